#include "components/interceptors/wasm/envelope.h"

#include <gtest/gtest.h>

namespace fiso::interceptors {
namespace {

std::string input(std::string_view payload, std::initializer_list<HeaderList::Field> fields = {},
                  EnvelopeForm form = EnvelopeForm::kPlain) {
  HeaderList headers;
  for (HeaderList::Field field : fields) headers.add(field.name, field.value);
  EnvelopeIn envelope(payload, headers, form);
  std::string text;
  for (std::string_view piece : envelope.pieces()) text.append(piece);
  return text;
}

TEST(EnvelopeInTest, IsTheContractsJson) {
  EXPECT_EQ(input(R"({"a":1})", {{"X-A", "1"}}), R"({"payload":{"a":1},"headers":{"X-A":"1"},"direction":"inbound"})");
  EXPECT_EQ(input("null"), R"({"payload":null,"headers":{},"direction":"inbound"})");
}

TEST(EnvelopeInTest, ThePayloadIsThereByteForByte) {
  std::string payload = "{ \"n\" : 12345678901234567890.10 ,\n\"a\":1,\"a\":2 }";
  EXPECT_EQ(input(payload), "{\"payload\":" + payload + R"(,"headers":{},"direction":"inbound"})");
}

TEST(EnvelopeInTest, HeaderNamesAreCanonicalAndThereOnce) {
  EXPECT_EQ(input("1", {{"x-request-ID", "a"}, {"X-REQUEST-id", "b"}, {"etag", "c"}, {"x--y", "d"}}),
            R"({"payload":1,"headers":{"X-Request-Id":"a","Etag":"c","X--Y":"d"},"direction":"inbound"})");
}

TEST(EnvelopeInTest, HeaderValuesAreEscaped) {
  EXPECT_EQ(input("1", {{"A", "a\"b\\c\td"}, {"B", "\xe4"}}),
            "{\"payload\":1,\"headers\":{\"A\":\"a\\\"b\\\\c\\td\",\"B\":\"\xef\xbf\xbd\"},\"direction\":\"inbound\"}");
}

TEST(EnvelopeInTest, ALineIsOneLineAndHasAnEnd) {
  EXPECT_EQ(input("{\n\"a\" : 1\r\n}", {}, EnvelopeForm::kLine),
            "{\"payload\":{\"a\":1},\"headers\":{},\"direction\":\"inbound\"}\n");
  EXPECT_EQ(input("{ \"a\" : 1 }", {}, EnvelopeForm::kLine),
            "{\"payload\":{ \"a\" : 1 },\"headers\":{},\"direction\":\"inbound\"}\n");
}

std::string call_input(std::string_view payload, core::CallFacts call, EnvelopeForm form = EnvelopeForm::kPlain) {
  EnvelopeIn envelope(payload, {}, form, &call);
  std::string text;
  for (std::string_view piece : envelope.pieces()) text.append(piece);
  return text;
}

TEST(EnvelopeInTest, ARequestOfACallHasItsFacts) {
  core::CallFacts facts{.method = "PUT", .path = "/a?\"", .target = "api"};
  EXPECT_EQ(call_input("[1]", facts),
            R"({"payload":[1],"headers":{},"direction":"outbound","method":"PUT","path":"/a?\"","target":"api"})");
}

TEST(EnvelopeInTest, AnAnswerOfACallHasItsStatus) {
  core::CallFacts facts{
      .direction = core::CallFacts::Direction::kInbound, .method = "GET", .path = "/", .target = "t", .status = 404};
  EXPECT_EQ(call_input("", facts, EnvelopeForm::kLine),
            R"({"payload":null,"headers":{},"direction":"inbound","method":"GET","path":"/","target":"t","status":404})"
            "\n");
}

TEST(EnvelopeInTest, ABodyOfACallThatIsNotJsonIsBase64) {
  EXPECT_TRUE(call_input("{no", {}).starts_with(R"({"payload":null,"payloadBase64":"e25v","headers":{})"));
}

class EnvelopeOutTest : public ::testing::Test {
 protected:
  Result<EnvelopeOut> read(std::string_view text) { return read_envelope(text, scratch_); }
  std::string error(std::string_view text) {
    auto envelope = read(text);
    if (envelope.has_value()) return "(no error)";
    EXPECT_EQ(envelope.error().code(), ErrorCode::kGuestLimit);
    return envelope.error().message();
  }
  json::Document scratch_;
};

TEST_F(EnvelopeOutTest, GivesPayloadAndHeaders) {
  auto envelope = read(" {\"headers\":{\"X-A\":\"1\",\"x-b\":\"\"},\"payload\": [1, 2] ,\"more\":{}} \n");
  ASSERT_TRUE(envelope.has_value());
  EXPECT_EQ(envelope->payload, "[1, 2]");
  ASSERT_EQ(envelope->headers.size(), 2u);
  EXPECT_EQ(envelope->headers.find("x-a"), "1");
  EXPECT_EQ(envelope->headers.find("X-B"), "");
}

TEST_F(EnvelopeOutTest, AMissingOrNullPayloadIsNull) {
  for (std::string_view text : {"{}", R"({"payload":null})", R"({"Payload":1})", R"({"headers":{}})"})
    EXPECT_EQ(read(text)->payload, "null") << text;
}

TEST_F(EnvelopeOutTest, MissingOrNullHeadersAreNone) {
  EXPECT_TRUE(read(R"({"payload":1})")->headers.empty());
  EXPECT_TRUE(read(R"({"payload":1,"headers":null})")->headers.empty());
}

TEST_F(EnvelopeOutTest, TheLastOfEqualNamesCounts) {
  auto envelope = read(R"({"payload":1,"payload":2,"headers":{"A":"1","a":"2"}})");
  EXPECT_EQ(envelope->payload, "2");
  ASSERT_EQ(envelope->headers.size(), 1u);
  EXPECT_EQ(envelope->headers.find("A"), "2");
}

TEST_F(EnvelopeOutTest, EscapesInHeadersAreResolved) {
  auto envelope = read(R"({"headers":{"X\u002dA":"a\r\nb\u0000"}})");
  ASSERT_TRUE(envelope.has_value());
  EXPECT_EQ(envelope->headers.find("X-A"), std::string_view("a\r\nb\0", 5));
}

TEST_F(EnvelopeOutTest, WhatIsNoEnvelopeIsAnError) {
  EXPECT_EQ(error(""), "wasm unmarshal output: unexpected end of JSON input");
  EXPECT_EQ(error("  \n"), "wasm unmarshal output: unexpected end of JSON input");
  EXPECT_EQ(error("hello"), "wasm unmarshal output: invalid character 'h' looking for beginning of value");
  EXPECT_EQ(error("{}{}"), "wasm unmarshal output: invalid character '{' after top-level value");
  EXPECT_EQ(error("{\"payload\":"), "wasm unmarshal output: unexpected end of JSON input");
  for (std::string_view text : {"[]", "1", "null", "\"{}\""})
    EXPECT_EQ(error(text), "wasm unmarshal output: the output is not a JSON object");
  for (std::string_view text : {R"({"headers":[]})", R"({"headers":"x"})", R"({"headers":1})"})
    EXPECT_EQ(error(text), "wasm unmarshal output: headers is not an object");
  for (std::string_view text : {R"({"headers":{"a":1}})", R"({"headers":{"a":null}})", R"({"headers":{"a":["b"]}})"})
    EXPECT_EQ(error(text), "wasm unmarshal output: a header's value is not a string");
}

// The payload that came in may be as deep as payloads may be, and the envelope is one more.
TEST_F(EnvelopeOutTest, TakesBackThePayloadItGave) {
  std::string deep = std::string(json::kDefaultMaxDepth, '[') + std::string(json::kDefaultMaxDepth, ']');
  ASSERT_TRUE(json::validate(deep).has_value());
  EXPECT_TRUE(read("{\"payload\":" + deep + "}").has_value());
  EXPECT_FALSE(read("{\"payload\":[" + deep + "]}").has_value());
}

// Each header is compared with those before it, on the shard.
TEST_F(EnvelopeOutTest, AFloodOfHeadersIsAnError) {
  auto with_headers = [](int count) {
    std::string text = "{\"headers\":{";
    for (int i = 0; i < count; ++i) text += (i == 0 ? "\"h" : ",\"h") + std::to_string(i) + "\":\"\"";
    return text + "}}";
  };
  EXPECT_EQ(read(with_headers(512))->headers.size(), 512u);
  EXPECT_EQ(error(with_headers(513)), "wasm unmarshal output: more than 512 headers");
  EXPECT_EQ(error(with_headers(200'000)), "wasm unmarshal output: more than 512 headers");
}

TEST_F(EnvelopeOutTest, OfACallHeadersAreRemovedByNullAndBytesComeInBase64) {
  auto envelope = read_envelope(R"({"payloadBase64":"e25v","headers":{"X-A":null,"X-B":"b"}})", scratch_, EnvelopeOf::kCall);
  ASSERT_TRUE(envelope.has_value());
  EXPECT_EQ(envelope->payload, "null");
  EXPECT_EQ(envelope->payload_base64, "\"e25v\"");
  EXPECT_EQ(envelope->removed_headers, std::vector<std::string>{"X-A"});
  EXPECT_EQ(envelope->headers.find("x-b"), "b");
  envelope = read_envelope(R"({"payload":1,"payloadBase64":null})", scratch_, EnvelopeOf::kCall);
  ASSERT_TRUE(envelope.has_value());
  EXPECT_FALSE(envelope->payload_base64.has_value());
}

TEST_F(EnvelopeOutTest, OfAnEventNeitherIsKnown) {
  EXPECT_EQ(error(R"({"headers":{"X-A":null}})"), "wasm unmarshal output: a header's value is not a string");
  EXPECT_FALSE(read(R"({"payloadBase64":"e25v"})")->payload_base64.has_value());
}

}  // namespace
}  // namespace fiso::interceptors
