#include "link/kafka_record.h"

#include <gtest/gtest.h>

#include <set>

namespace fiso::link {
namespace {

HeaderList fields(std::initializer_list<std::pair<std::string_view, std::string_view>> list) {
  HeaderList headers;
  for (auto [name, value] : list) headers.add(name, value);
  return headers;
}

std::string key(const KafkaKey& config, std::string_view body, const HeaderList& headers = {}) {
  auto made = record_key(config, headers, body);
  if (!made.has_value()) return made.error().message();
  return made->value_or("(none)");
}

std::string text(const HeaderList& headers) {
  std::string all;
  for (auto [name, value] : headers) all.append(name).append("=").append(value).append(" ");
  return all;
}

TEST(RecordKey, ComesFromWhereTheTargetSays) {
  EXPECT_EQ(key({.type = KeyType::kNone}, "x"), "(none)");
  EXPECT_EQ(key({.type = KeyType::kStatic, .value = "fixed-key-12345"}, "x"), "fixed-key-12345");
  EXPECT_EQ(key({.type = KeyType::kHeader, .field = "X-Message-Id"}, "x", fields({{"x-message-ID", "m1"}})), "m1");
  EXPECT_EQ(key({.type = KeyType::kUuid}, "x").size(), 36u);
  std::set<std::string> random;
  for (int i = 0; i < 100; ++i) random.insert(key({.type = KeyType::kRandom}, "x"));
  EXPECT_EQ(random.size(), 100u);
  for (const std::string& one : random) EXPECT_EQ(one.find_first_not_of("0123456789"), std::string::npos);
}

TEST(RecordKey, OfAPayloadIsAsItIsWritten) {
  KafkaKey id{.type = KeyType::kPayload, .field = "id"};
  EXPECT_EQ(key(id, R"({"id":"a\u00e9"})"), "a\xc3\xa9");
  EXPECT_EQ(key(id, R"({"x":{"id":1}, "id": 12345678901234567890})"), "12345678901234567890");
  EXPECT_EQ(key(id, R"({"id":1.50})"), "1.50");
  EXPECT_EQ(key(id, R"({"id":true})"), "true");
  EXPECT_EQ(key(id, R"({"id":""})"), "");
}

TEST(RecordKey, WhatIsMissingIsTold) {
  EXPECT_EQ(key({.type = KeyType::kHeader, .field = "X-Id"}, "x"), "key generation: header \"X-Id\" not found");
  KafkaKey id{.type = KeyType::kPayload, .field = "id"};
  EXPECT_EQ(key(id, "{}"), "key generation: field \"id\" not found in payload");
  EXPECT_TRUE(key(id, "{").starts_with("key generation: parse payload: "));
  EXPECT_TRUE(key(id, "").starts_with("key generation: parse payload: "));
  EXPECT_TRUE(key(id, "[1]").starts_with("key generation: parse payload: "));
  for (const char* body : {R"({"id":null})", R"({"id":{}})", R"({"id":[1]})"})
    EXPECT_EQ(key(id, body), "key generation: field \"id\" is neither text nor a number nor a bool");
}

TEST(RecordHeaders, HaveTheirUsualNamesAndAllTheirValues) {
  EXPECT_EQ(
      text(record_headers(fields({{"x-custom-header-1", "a"}, {"X-CUSTOM-HEADER-1", "b"}, {"x-request-id", "r"}}), {}, "c")),
      "X-Custom-Header-1=a X-Custom-Header-1=b X-Request-ID=r fiso-correlation-id=c ");
}

TEST(RecordHeaders, SecretsAndFieldsOfOneHopDoNotGetOnARecord) {
  HeaderList asked = fields({{"Authorization", "Bearer s"},
                             {"Cookie", "s"},
                             {"Proxy-Authorization", "s"},
                             {"X-Api-Key", "s"},
                             {"X-Auth-Token", "s"},
                             {"Host", "h"},
                             {"Content-Length", "1"},
                             {"Connection", "x-hop"},
                             {"X-Hop", "h"},
                             {"Keep-Alive", "1"},
                             {"Transfer-Encoding", "chunked"},
                             {"TE", "trailers"},
                             {"Upgrade", "h2c"},
                             {"Expect", "100-continue"},
                             {"Fiso-Correlation-Id", "theirs"},
                             {"Content-Type", "a/b"}});
  EXPECT_EQ(text(record_headers(asked, {}, "ours")), "Content-Type=a/b fiso-correlation-id=ours ");
}

TEST(RecordHeaders, WhatProvesTheCallerIsKnownByItsName) {
  for (std::string_view name : {"X-Session-Token",
                                "X-Id-Token",
                                "Ocp-Apim-Subscription-Key",
                                "DPoP",
                                "Signature",
                                "Signature-Input",
                                "X-Hub-Signature",
                                "X-Hub-Signature-256",
                                "Stripe-Signature",
                                "X-Shopify-Hmac-Sha256",
                                "X-Amz-Security-Token",
                                "X-Goog-Api-Key",
                                "X-Functions-Key",
                                "Private-Token",
                                "X-Client-Secret",
                                "X-Forwarded-Access-Token",
                                "X-Csrf-Token",
                                "X-Vault-Token",
                                "X-Api-Key",
                                "Api-Key",
                                "Apikey",
                                "X-Auth",
                                "X-Auth-Token",
                                "X_Auth_Token",
                                "Cf-Access-Jwt-Assertion",
                                "Set-Cookie",
                                "X-Goog-Iap-Jwt-Assertion",
                                "X-Ms-Token-Aad-Id-Token",
                                "X-Serverless-Authorization",
                                "X-Password",
                                "Token",
                                "X-Forwarded-Client-Cert"})
    EXPECT_EQ(text(record_headers(fields({{name, "s"}}), {}, "c")), "fiso-correlation-id=c ") << name;
  for (std::string_view name : {"Idempotency-Key", "X-Message-Key", "X-Continuation-Token", "Page-Token", "X-Author",
                                "X-Tokenizer", "X-Keyboard", "Traceparent", "X-Session-ID", "X-User-ID"})
    EXPECT_EQ(text(record_headers(fields({{name, "v"}}), {}, "c")), std::string(name) + "=v fiso-correlation-id=c ") << name;
}

TEST(RecordHeaders, FixedOnesReplaceTheCallers) {
  EXPECT_EQ(text(record_headers(fields({{"x-a", "theirs"}, {"x-b", "b"}}), {{"X-A", "1"}, {"static-header-1", "v"}}, "c")),
            "X-B=b X-A=1 static-header-1=v fiso-correlation-id=c ");
}

}  // namespace
}  // namespace fiso::link
