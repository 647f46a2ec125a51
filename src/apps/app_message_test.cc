#include "apps/app_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/failures.h"

namespace fiso::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

net::HttpRequest post(std::string target, std::string body) {
  net::HttpRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.headers.add("host", "app.example:8090");
  request.body = std::move(body);
  request.remote_address = "192.0.2.7:4711";
  return request;
}

std::string refusal(std::string_view output) {
  auto response = read_app_response(output);
  return response.has_value() ? "taken" : response.error().message();
}

TEST(AppRequest, SaysWhatWasAsked) {
  net::HttpRequest request = post("/echo/a%20b%2Fc?x=1&y=%20", "{\"n\": 1.50}");
  request.headers.add("x-request-id", "r-1");
  EXPECT_EQ(*to_app_request(request),
            "{\"method\":\"POST\",\"path\":\"/echo/a b/c\",\"query\":\"x=1&y=%20\",\"headers\":{\"X-Request-Id\":\"r-1\"},"
            "\"body\":{\"n\":1.50},\"host\":\"app.example:8090\",\"scheme\":\"http\",\"remoteAddr\":\"192.0.2.7:4711\"}\n");
}

TEST(AppRequest, IsOneLineWhateverTheBody) {
  std::string text = *to_app_request(post("/", "{\n  \"a\": [1,\n 2]\n}"));
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_THAT(text, HasSubstr("\"body\":{\"a\":[1,2]}"));
}

TEST(AppRequest, RepeatedHeadersAreAList) {
  net::HttpRequest request = post("/", "");
  request.headers.add("Cookie", "a=1");
  request.headers.add("cookie", "b=2");
  request.headers.add("Connection", "close");
  std::string text = *to_app_request(request);
  EXPECT_THAT(text, HasSubstr("\"headers\":{\"Cookie\":[\"a=1\",\"b=2\"]}"));
  EXPECT_THAT(text, Not(HasSubstr("Connection")));
}

TEST(AppRequest, ABodyThatIsNotJsonIsTextOrBase64) {
  EXPECT_THAT(*to_app_request(post("/", "a=1&b=\xc3\xa9")), HasSubstr("\"body\":\"a=1&b=\xc3\xa9\""));
  EXPECT_THAT(*to_app_request(post("/", std::string("\xff\x00\x01", 3))), HasSubstr("\"bodyBase64\":\"/wAB\""));
  EXPECT_THAT(*to_app_request(post("/", "")), Not(HasSubstr("body")));
}

TEST(AppRequest, APathThatIsNotPercentEncodedIsRefused) {
  for (const char* path : {"/%", "/%2", "/%zz", "/a%2"}) EXPECT_FALSE(to_app_request(post(path, "")).has_value()) << path;
}

TEST(AppResponse, EverythingIsOptional) {
  auto response = read_app_response("{}");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->headers.find("content-type"), "application/json");
  EXPECT_EQ(response->body, "{}");
}

TEST(AppResponse, CarriesStatusHeadersAndBody) {
  auto response = read_app_response(R"( {"status":404,"headers":{"Set-Cookie":["a=1","b=2"],"X-A":"v"},"body":{"n":1.50}} )");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "{\"n\":1.50}");
  EXPECT_EQ(response->headers.size(), 4u);
  EXPECT_EQ(response->headers[1].value, "b=2");
}

TEST(AppResponse, TextWinsOverJsonAndBinaryOverBoth) {
  auto text = read_app_response(R"({"body":1,"bodyText":"plain\n"})");
  EXPECT_EQ(text->body, "plain\n");
  EXPECT_EQ(text->headers.find("content-type"), "text/plain; charset=utf-8");
  auto binary = read_app_response(R"({"bodyText":"x","bodyBase64":"/wAB"})");
  EXPECT_EQ(binary->body, std::string("\xff\x00\x01", 3));
  EXPECT_EQ(read_app_response(R"({"bodyBase64":"YQ=="})")->body, "a");
  EXPECT_EQ(read_app_response(R"({"headers":{"Content-Type":"text/html"},"bodyText":"x"})")->headers.find("content-type"),
            "text/html");
}

TEST(AppResponse, HeadersOfOneHopAreDropped) {
  auto response = read_app_response(R"({"headers":{"Connection":"close","Transfer-Encoding":"chunked","X-A":"1"}})");
  EXPECT_FALSE(response->headers.contains("connection"));
  EXPECT_FALSE(response->headers.contains("transfer-encoding"));
}

TEST(AppResponse, WhatIsNoResponseIsRefused) {
  EXPECT_EQ(refusal(""), "unexpected end of JSON input");
  EXPECT_EQ(refusal("[1]"), "the output is not a JSON object");
  for (const char* status : {"99", "600", "1000", "\"200\"", "2e2", "-200", "101"})
    EXPECT_EQ(refusal("{\"status\":" + std::string(status) + "}"), "the status is not a number from 200 to 599") << status;
  EXPECT_EQ(refusal(R"({"headers":{"A":1}})"), "a header's value is neither text nor a list");
  EXPECT_EQ(refusal(R"({"headers":{"A":[1]}})"), "a header's value is not text");
  EXPECT_EQ(refusal(R"({"headers":{"A b":"1"}})"), "a header is not valid HTTP");
  EXPECT_EQ(refusal(R"({"headers":{"A":"x\r\nB: y"}})"), "a header is not valid HTTP");
  EXPECT_EQ(refusal(R"({"bodyBase64":"***"})"), "bodyBase64 is not Base64");
  for (const char* no_text : {"5", "{}", "[\"x\"]", "true"}) {
    EXPECT_EQ(refusal("{\"bodyText\":" + std::string(no_text) + "}"), "bodyText is not text");
    EXPECT_EQ(refusal("{\"bodyBase64\":" + std::string(no_text) + "}"), "bodyBase64 is not text");
  }
}

TEST(AppResponse, WhatIsWrongWithItIsTheFaultOfTheGuest) {
  for (const char* output : {"", "[1]", R"({"status":1})", R"({"headers":{"A":1}})", R"({"bodyBase64":5})", R"({"bodyText":{}})"})
    EXPECT_EQ(status_of(read_app_response(output).error()), 502) << output;
}

TEST(AppResponse, NullIsNoBody) {
  EXPECT_EQ(read_app_response(R"({"bodyBase64":null,"bodyText":"x"})")->body, "x");
  EXPECT_EQ(read_app_response(R"({"bodyBase64":null,"bodyText":null,"body":{"a":1}})")->body, R"({"a":1})");
}

}  // namespace
}  // namespace fiso::apps
