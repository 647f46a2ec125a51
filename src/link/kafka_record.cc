#include "link/kafka_record.h"

#include <algorithm>
#include <random>
#include <utility>

#include "base/ascii.h"
#include "base/uuid.h"
#include "core/outbound.h"
#include "json/scan.h"
#include "json/text.h"
#include "net/hop_fields.h"

namespace fiso::link {
namespace {

// Of HTTP's framing and negotiation, which a record has not.
constexpr std::string_view kOfHttp[] = {"host", "content-length", "expect", "accept-encoding", "date"};
// What a consumer could use to be the caller: headers with one of these words in their names, between the dashes,
constexpr std::string_view kSecretWords[] = {"authorization", "apikey", "cookie",   "credential", "credentials", "dpop",
                                             "hmac",          "jwt",    "password", "passwd",     "secret",      "signature",
                                             "assertion",     "token",  "tokens",   "otp",        "passphrase"};
// or with a name that ends in one of these.
constexpr std::string_view kSecretKeys[] = {"auth",        "api-key",    "access-key",       "auth-key",      "secret-key",
                                            "private-key", "client-key", "subscription-key", "functions-key", "signing-key"};
// Tokens that say where a reader is, and not who.
constexpr std::string_view kPlainTokens[] = {"continuation", "page", "next", "cursor", "sync"};
// Signed or proving as a whole, with names that do not say so.
constexpr std::string_view kSecret[] = {"signature-input",       "x-hub-signature-256",     "x-amz-content-sha256",
                                        "x-shopify-hmac-sha256", "x-forwarded-client-cert", "client-cert",
                                        "client-cert-chain"};
// Names that are more than words with a capital.
constexpr std::string_view kKnown[] = {"X-Request-ID", "X-Correlation-ID", "X-Trace-ID", "X-Span-ID",
                                       "X-Session-ID", "X-User-ID",        "X-Client-ID"};

bool is_one_of(std::string_view name, auto& names) {
  return std::ranges::any_of(names, [&](std::string_view one) { return iequals(one, name); });
}

bool ends_in(std::string_view name, std::string_view end) {
  return name.size() >= end.size() && iequals(name.substr(name.size() - end.size()), end) &&
         (name.size() == end.size() || name[name.size() - end.size() - 1] == '-');
}

// Words are what stands between dashes, or underscores.
bool is_secret(std::string_view name) {
  if (is_one_of(name, kSecret)) return true;
  if (std::ranges::any_of(kSecretKeys, [&](std::string_view key) { return ends_in(name, key); })) return true;
  std::string_view before;
  while (!name.empty()) {
    size_t end = std::min(name.find_first_of("-_"), name.size());
    std::string_view word = name.substr(0, end);
    bool is_plain = iequals(word, "token") && is_one_of(before, kPlainTokens);
    if (is_one_of(word, kSecretWords) && !is_plain) return true;
    before = word;
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return false;
}

std::string usual_name(std::string_view name) {
  for (std::string_view known : kKnown)
    if (iequals(known, name)) return std::string(known);
  std::string usual;
  for (char c : name) usual += usual.empty() || usual.back() == '-' ? ascii_upper(c) : ascii_lower(c);
  return usual;
}

Error no_key(std::string why) { return Error(ErrorCode::kInvalidInput, "key generation: " + std::move(why)); }

// As it is written: a number keeps its digits.
Result<std::optional<std::string>> key_of_member(const std::string& name, std::string_view body) {
  auto document = json::Document::parse(body);
  if (!document.has_value()) return no_key("parse payload: " + document.error().message());
  if (!document->is_object()) return no_key("parse payload: it is no JSON object");
  std::optional<std::string_view> raw = document->find(name);
  if (!raw) return no_key("field \"" + name + "\" not found in payload");
  switch (json::kind_of(*raw)) {
    case json::Kind::kString: {
      FISO_TRY(std::string text, json::unquote(*raw));
      return std::optional(std::move(text));
    }
    case json::Kind::kNumber:
    case json::Kind::kBool: return std::optional(std::string(*raw));
    default: return no_key("field \"" + name + "\" is neither text nor a number nor a bool");
  }
}

std::string random_key() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return std::to_string(random());
}

}  // namespace

Result<std::optional<std::string>> record_key(const KafkaKey& key, const HeaderList& headers, std::string_view body) {
  switch (key.type) {
    case KeyType::kNone: return std::optional<std::string>();
    case KeyType::kUuid: return std::optional(make_uuid_v4());
    case KeyType::kStatic: return std::optional(key.value);
    case KeyType::kRandom: return std::optional(random_key());
    case KeyType::kPayload: return key_of_member(key.field, body);
    case KeyType::kHeader: break;
  }
  std::optional<std::string_view> value = headers.find(key.field);
  if (!value) return no_key("header \"" + key.field + "\" not found");
  return std::optional(std::string(*value));
}

HeaderList record_headers(const HeaderList& headers, const std::map<std::string, std::string>& fixed,
                          std::string_view correlation_id) {
  HeaderList out;
  for (auto [name, value] : headers) {
    bool ends_here = net::is_hop_field(name) || net::is_named_hop_field(headers, name) || is_one_of(name, kOfHttp);
    if (ends_here || is_secret(name) || iequals(name, core::kCorrelationHeader)) continue;
    out.add(usual_name(name), value);
  }
  for (const auto& [name, value] : fixed) out.set(name, value);
  out.add(core::kCorrelationHeader, correlation_id);
  return out;
}

}  // namespace fiso::link
