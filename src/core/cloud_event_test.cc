#include "core/cloud_event.h"

#include <gtest/gtest.h>

#include "base/testing/manual_clock.h"
#include "core/testing/fakes.h"
#include "json/scan.h"
#include "json/text.h"

namespace fiso::core {
namespace {

using testing::make_event;
using Headers = std::vector<std::pair<std::string, std::string>>;

class CloudEventTest : public ::testing::Test {
 protected:
  Result<std::string> convert(std::string payload, Headers headers = {}) {
    event_ = make_event(std::move(payload), std::move(headers));
    json::Document scratch;
    FISO_TRY(Outbound out, to_cloud_event(event_, defaults_, clock_, scratch));
    std::string text;
    for (std::string_view piece : out.body()) text.append(piece);
    EXPECT_EQ(text.size(), out.size());
    EXPECT_TRUE(json::validate(text, json::kHighestMaxDepth).has_value()) << text;
    return text;
  }
  std::string text_of(const std::string& cloud_event, std::string_view name) {
    auto document = json::Document::parse(cloud_event);
    auto raw = document->find(name);
    return raw.has_value() ? json::unquote(*raw).value_or("(not text)") : "(none)";
  }
  std::string data_of(const std::string& cloud_event) {
    return std::string(json::Document::parse(cloud_event)->find("data").value_or("(none)"));
  }

  testing::ManualClock clock_;
  CloudEventDefaults defaults_{.source = "fiso-flow/orders"};
  Event event_;
};

TEST_F(CloudEventTest, WrapsInTheContractsOrder) {
  std::string text = *convert(R"({"a":1})", {{"Idempotency-Key", "key-1"}});
  EXPECT_EQ(text, R"({"specversion":"1.0","id":"key-1","source":"fiso-flow/orders","type":"fiso.event",)"
                  R"("datacontenttype":"application/json","time":"2019-12-20T00:00:00.000000000Z","data":{"a":1}})");
}

TEST_F(CloudEventTest, TheIdIsNeverEmptyAndNeverTheSame) {
  std::string one = text_of(*convert("{}"), "id");
  EXPECT_EQ(event_.id, one);
  std::string two = text_of(*convert("{}"), "id");
  EXPECT_EQ(one.size(), 36u);
  EXPECT_EQ(one[14], '7');
  EXPECT_NE(one, two);
  EXPECT_NE(text_of(*convert("{}", {{"Idempotency-Key", ""}}), "id"), "");
}

// Whoever tries again gets the same id, and nobody else does.
TEST_F(CloudEventTest, AnyIdempotencyKeyIsAnIdOfItsOwn) {
  auto id_for = [&](const std::string& key) { return text_of(*convert("{}", {{"Idempotency-Key", key}}), "id"); };
  EXPECT_EQ(id_for("a\xff"), "8dd06b5ab6b594257e41b7d8dd440a4062eddc67fdab5c13b4dc300176896f6e");
  EXPECT_NE(id_for("a\xff"), id_for("a\xfe"));
  EXPECT_EQ(id_for(std::string(1024, 'k')), std::string(1024, 'k'));
  EXPECT_EQ(id_for(std::string(1025, 'k')).size(), 64u);
  EXPECT_EQ(id_for(std::string(1025, 'k')), id_for(std::string(1025, 'k')));
  EXPECT_NE(id_for(std::string(1025, 'k')), id_for(std::string(1026, 'k')));
  Headers binary{{"ce-specversion", "1.0"}, {"ce-type", "t"}, {"ce-source", "s"}, {"ce-id", "a\xff"}};
  EXPECT_EQ(text_of(*convert("1", binary), "id"), id_for("a\xff"));
}

TEST_F(CloudEventTest, DataIsThePayloadByteForByte) {
  for (std::string payload :
       {R"({"n":123456789012345678901234567890,"e":1E400,"f":1.0,"z":-0})", R"({"a":1,"a":2,"\u0061":3})", R"([])", R"("text")",
        R"(42)", R"(null)", R"(true)", R"({"s":"\u2028\ud800 \/"})", R"({  "sp" : [ 1 , 2 ] })"})
    EXPECT_EQ(data_of(*convert(payload)), payload);
}

TEST_F(CloudEventTest, WhiteSpaceAroundThePayloadIsNotData) { EXPECT_EQ(data_of(*convert(" \r\n\t{\"a\":1}\n ")), R"({"a":1})"); }

TEST_F(CloudEventTest, WhatIsNotJsonIsAnInputError) {
  auto empty = convert("");
  ASSERT_FALSE(empty.has_value());
  EXPECT_EQ(empty.error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(empty.error().message(), "unexpected end of JSON input");
  for (std::string bad : {"not json", "{", "{}{}", "\xff", "{\"a\":}", "NaN", "\xef\xbb\xbf{}"}) {
    auto converted = convert(bad);
    ASSERT_FALSE(converted.has_value()) << bad;
    EXPECT_EQ(converted.error().code(), ErrorCode::kInvalidInput);
  }
  constexpr size_t kDeepest = json::kDefaultMaxDepth;
  EXPECT_TRUE(convert(std::string(kDeepest, '[') + std::string(kDeepest, ']')).has_value());
  EXPECT_FALSE(convert(std::string(kDeepest + 1, '[') + std::string(kDeepest + 1, ']')).has_value());
}

TEST_F(CloudEventTest, OverridesAreSetOnWhatIsWrapped) {
  defaults_.overrides = {{"type", "order.created"}, {"source", "shop"}, {"subject", "s\"1"}, {"dataschema", "http://x/y"}};
  std::string text = *convert("{}");
  EXPECT_EQ(text_of(text, "type"), "order.created");
  EXPECT_EQ(text_of(text, "source"), "shop");
  EXPECT_EQ(text_of(text, "subject"), "s\"1");
  EXPECT_EQ(text_of(text, "dataschema"), "http://x/y");
  EXPECT_EQ(text.find("fiso.event"), std::string::npos);
  EXPECT_EQ(text.find("fiso-flow/orders"), std::string::npos);
}

TEST_F(CloudEventTest, AStructuredOneIsKeptByteForByte) {
  std::string whole =
      R"({ "specversion":"1.0","type" : "t","source":"s","id":"id-9","n":12345678901234567890,"x":[1, 2],"data":{"a":1.0} })";
  EXPECT_EQ(*convert(whole, {{"Idempotency-Key", "not-this"}}), whole);
  EXPECT_EQ(event_.id, "id-9");
}

// Names of attributes are in lower case (CloudEvents 1.0, section 3.1).
TEST_F(CloudEventTest, WhatSpellsItsAttributesOtherwiseIsData) {
  std::string whole = R"({"SpecVersion":"1.0","Type":"t","SOURCE":"s","Id":"1"})";
  std::string text = *convert(whole, {{"Idempotency-Key", "k"}});
  EXPECT_EQ(data_of(text), whole);
  EXPECT_EQ(text_of(text, "id"), "k");
  text = *convert(R"({"specversion":"1.0","type":"t","source":"s","ID":"1"})", {{"Idempotency-Key", "k"}});
  EXPECT_EQ(text_of(text, "id"), "k");
}

TEST_F(CloudEventTest, AStructuredOneOfAnotherVersionIsKept) {
  std::string whole = R"({"specversion":"0.3","type":"t","source":"s","id":"1"})";
  EXPECT_EQ(*convert(whole), whole);
}

TEST_F(CloudEventTest, AStructuredOneWithAnAttributeThatIsNoneIsAnInputError) {
  for (auto [attribute, message] : {std::pair(R"("time":"yesterday")", "time is not a time in the form of RFC 3339"),
                                    {R"("time":7)", "time is not a time in the form of RFC 3339"},
                                    {R"("source":"10.0.0.1:80/x")", "source is not a URI-reference"},
                                    {R"("dataschema":"50%")", "dataschema is not a URI-reference"}}) {
    auto converted = convert(R"({"specversion":"1.0","type":"t","source":"s","id":"1",)" + std::string(attribute) + "}");
    ASSERT_FALSE(converted.has_value()) << attribute;
    EXPECT_EQ(converted.error().code(), ErrorCode::kInvalidInput);
    EXPECT_EQ(converted.error().message(), message);
  }
  std::string whole = R"({"specversion":"1.0","type":"t","source":"s","id":"1","time":null,"dataschema":null})";
  EXPECT_EQ(*convert(whole), whole);
  defaults_.overrides = {{"source", "ours"}};
  EXPECT_TRUE(convert(R"({"specversion":"1.0","type":"t","source":"1:2","id":"1"})").has_value()) << "it is replaced";
}

TEST_F(CloudEventTest, AStructuredOneWithoutAnIdGetsOneAndKeepsTheRest) {
  std::string rest = R"("specversion":"1.0","type":"t","source":"s","n":1e999,"data":[ 1 ])";
  for (std::string id : {R"()", R"("id":"",)", R"("id":" \t ",)", R"("id":null,)", R"("id":7,)"}) {
    std::string text = *convert("{" + id + rest + "}", {{"Idempotency-Key", "new"}});
    EXPECT_EQ(text, R"({"id":"new",)" + rest + "}");
    EXPECT_EQ(event_.id, "new");
  }
}

TEST_F(CloudEventTest, WhatLacksAnAttributeIsNotACloudEvent) {
  for (std::string almost :
       {R"({"specversion":"1.0","type":"t"})", R"({"specversion":"1.0","type":"","source":"s"})",
        R"({"specversion":"1.0","type":" ","source":"s"})", R"({"specversion":"1.0","type":"t","source":"\t"})",
        R"({"specversion":1.0,"type":"t","source":"s"})", R"([{"specversion":"1.0","type":"t","source":"s"}])"})
    EXPECT_EQ(data_of(*convert(almost)), almost);
}

TEST_F(CloudEventTest, OverridesReplaceAttributesOfAStructuredOne) {
  defaults_.overrides = {{"type", "new"}};
  std::string text = *convert(R"({"specversion":"1.0","type":"old","source":"s","id":"1","n":12345678901234567890})");
  EXPECT_EQ(text, R"({"type":"new","specversion":"1.0","source":"s","id":"1","n":12345678901234567890})");
}

// Whoever reads the event takes one of two equal names, and must not take the sender's.
TEST_F(CloudEventTest, OverridesReplaceAttributesHoweverTheyAreSpelled) {
  defaults_.overrides = {{"type", "new"}};
  std::string text = *convert(R"({"specversion":"1.0","type":"old","t\u0079pe":"older","Type":"oldest","source":"s","id":"1"})");
  EXPECT_EQ(text, R"({"type":"new","specversion":"1.0","source":"s","id":"1"})");
}

TEST_F(CloudEventTest, BinaryModeKeepsItsAttributes) {
  std::string text = *convert(R"({"a":1})", {{"Ce-Specversion", "1.0"},
                                             {"CE-Type", "t"},
                                             {"ce-source", "/s"},
                                             {"ce-id", "b-1"},
                                             {"ce-subject", "sub"},
                                             {"ce-time", "2020-01-02T03:04:05Z"},
                                             {"ce-myext", "x\"y"}});
  EXPECT_EQ(text_of(text, "specversion"), "1.0");
  EXPECT_EQ(text_of(text, "id"), "b-1");
  EXPECT_EQ(text_of(text, "type"), "t");
  EXPECT_EQ(text_of(text, "source"), "/s");
  EXPECT_EQ(text_of(text, "subject"), "sub");
  EXPECT_EQ(text_of(text, "time"), "2020-01-02T03:04:05Z");
  EXPECT_EQ(text_of(text, "myext"), "x\"y");
  EXPECT_EQ(data_of(text), R"({"a":1})");
  EXPECT_EQ(event_.id, "b-1");
}

TEST_F(CloudEventTest, BinaryModeDecodesItsHeaders) {
  std::string text = *convert("1", {{"ce-specversion", "\"1.0\""},
                                    {"ce-type", "caf%C3%A9"},
                                    {"ce-source", "/a%20b"},
                                    {"ce-id", "b%20%22"},
                                    {"ce-time", "2020-01-02T03%3A04:05Z"},
                                    {"ce-bad", "%ff%0a"},
                                    {"ce-none", "\"\""}});
  EXPECT_EQ(text_of(text, "specversion"), "1.0");
  EXPECT_EQ(text_of(text, "type"), "caf\xc3\xa9");
  EXPECT_EQ(text_of(text, "source"), "/a%20b") << "a URI-reference holds no space";
  EXPECT_EQ(text_of(text, "id"), "b \"");
  EXPECT_EQ(text_of(text, "time"), "2020-01-02T03:04:05Z");
  EXPECT_EQ(text_of(text, "bad"), "%ff%0a");
  EXPECT_EQ(text.find("\"none\""), std::string::npos);
  EXPECT_EQ(event_.id, "b \"");
}

TEST_F(CloudEventTest, BinaryModeKeepsAContentTypeOfJson) {
  auto type_for = [&](const std::string& type, Headers headers) {
    headers.emplace_back("content-type", type);
    return text_of(*convert("1", headers), "datacontenttype");
  };
  Headers binary{{"ce-specversion", "1.0"}, {"ce-type", "t"}, {"ce-source", "s"}};
  for (std::string json :
       {"application/json", "application/json; charset=utf-8", "application/vnd.shop+json;v=\"1\"", "Text/JSON"})
    EXPECT_EQ(type_for(json, binary), json);
  for (std::string other : {"text/plain", "application/x-www-form-urlencoded", "application/jsonp", "+json", "a b/c+json", "",
                            "application/cloudevents+json"})
    EXPECT_EQ(type_for(other, binary), "application/json") << other;
  EXPECT_EQ(type_for("application/vnd.shop+json", {}), "application/json") << "no CloudEvent says so";
}

TEST_F(CloudEventTest, BinaryModeOfAnotherVersionIsAnInputError) {
  auto converted = convert("1", {{"ce-specversion", "0.3"}, {"ce-type", "t"}, {"ce-source", "s"}});
  ASSERT_FALSE(converted.has_value());
  EXPECT_EQ(converted.error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(converted.error().message(), "ce-specversion is not 1.0, the version of CloudEvents that is known here");
}

TEST_F(CloudEventTest, BinaryModeCannotForgeWhatIsNotAnAttribute) {
  defaults_.overrides = {{"type", "ours"}};
  std::string text = *convert("1", {{"ce-specversion", "1.0"},
                                    {"ce-type", "theirs"},
                                    {"ce-source", "s"},
                                    {"ce-data", "2"},
                                    {"ce-datacontenttype", "text/plain"},
                                    {"ce-bad_name", "x"},
                                    {"ce-", "x"}});
  EXPECT_EQ(data_of(text), "1");
  EXPECT_EQ(text_of(text, "type"), "ours");
  EXPECT_EQ(text_of(text, "datacontenttype"), "application/json");
  EXPECT_EQ(text.find("bad_name"), std::string::npos);
  EXPECT_NE(text_of(text, "id"), "");
}

TEST_F(CloudEventTest, BinaryModeTakesEachAttributeOnceAndNoEmptyOne) {
  std::string text = *convert("1", {{"ce-specversion", "1.0"},
                                    {"ce-type", "t"},
                                    {"ce-source", "s"},
                                    {"ce-subject", "first"},
                                    {"CE-Subject", "second"},
                                    {"ce-time", ""},
                                    {"ce-ext", ""}});
  EXPECT_EQ(text_of(text, "subject"), "first");
  EXPECT_EQ(text.find("second"), std::string::npos);
  EXPECT_EQ(text.find("\"ext\""), std::string::npos);
  EXPECT_EQ(text_of(text, "time"), "2019-12-20T00:00:00.000000000Z");
}

TEST_F(CloudEventTest, WhiteSpaceAroundHeadersIsNoPartOfAttributes) {
  std::string text = *convert("1", {{"ce-specversion", " 1.0"},
                                    {"ce-type", "\tt "},
                                    {"ce-source", " /s "},
                                    {"ce-id", " b-1 "},
                                    {"ce-subject", " a b "},
                                    {"ce-ext", " "},
                                    {"ce-time", " 2020-01-02T03:04:05Z "}});
  EXPECT_EQ(text_of(text, "type"), "t");
  EXPECT_EQ(text_of(text, "source"), "/s");
  EXPECT_EQ(text_of(text, "id"), "b-1");
  EXPECT_EQ(text_of(text, "subject"), "a b");
  EXPECT_EQ(text_of(text, "time"), "2020-01-02T03:04:05Z");
  EXPECT_EQ(text.find("\"ext\""), std::string::npos);
  EXPECT_EQ(text_of(*convert("1", {{"Idempotency-Key", " key "}}), "id"), "key");
  EXPECT_EQ(text_of(*convert("1", {{"ce-specversion", "1.0"}, {"ce-type", "t"}, {"ce-source", " "}}), "type"), "fiso.event");
}

TEST_F(CloudEventTest, BinaryModeEncodesWhatAUriCannotHold) {
  std::string text = *convert(
      "1", {{"ce-specversion", "1.0"}, {"ce-type", "t"}, {"ce-source", "my service"}, {"ce-dataschema", "http://x/a b"}});
  EXPECT_EQ(text_of(text, "source"), "my%20service");
  EXPECT_EQ(text_of(text, "dataschema"), "http://x/a%20b");
}

TEST_F(CloudEventTest, BinaryModeWithAnAttributeThatIsNoneIsAnInputError) {
  for (auto [name, value, message] : {std::tuple("ce-time", "yesterday", "ce-time is not a time in the form of RFC 3339"),
                                      std::tuple("ce-source", "10.0.0.1:80/x", "ce-source is not a URI-reference"),
                                      std::tuple("ce-dataschema", "50%", "ce-dataschema is not a URI-reference")}) {
    Headers headers{{"ce-specversion", "1.0"}, {"ce-type", "t"}, {name, value}, {"ce-source", "/s"}};
    auto converted = convert("1", headers);
    ASSERT_FALSE(converted.has_value()) << name;
    EXPECT_EQ(converted.error().code(), ErrorCode::kInvalidInput);
    EXPECT_EQ(converted.error().message(), message);
  }
  EXPECT_TRUE(convert("1", {{"ce-time", "yesterday"}}).has_value()) << "no CloudEvent, and no claim to be one";
  defaults_.overrides = {{"source", "ours"}};
  EXPECT_TRUE(convert("1", {{"ce-specversion", "1.0"}, {"ce-type", "t"}, {"ce-source", "1:2"}}).has_value()) << "it is replaced";
}

TEST_F(CloudEventTest, CarriesTheCorrelationIdAndTheSinkHeaders) {
  Event event = make_event("{}");
  event.correlation_id = "c-1";
  event.sink_headers.add("X-A", "1");
  json::Document scratch;
  auto out = to_cloud_event(event, defaults_, clock_, scratch);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->correlation_id, "c-1");
  EXPECT_EQ(out->headers, &event.sink_headers);
}

}  // namespace
}  // namespace fiso::core
