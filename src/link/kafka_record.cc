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
// What a consumer could use to be the caller.
constexpr std::string_view kSecret[] = {"authorization",
                                        "proxy-authorization",
                                        "cookie",
                                        "set-cookie",
                                        "x-api-key",
                                        "api-key",
                                        "x-auth-token",
                                        "x-access-token",
                                        "x-csrf-token",
                                        "x-xsrf-token",
                                        "x-vault-token",
                                        "x-amz-security-token",
                                        "x-goog-api-key",
                                        "x-functions-key",
                                        "private-token",
                                        "x-client-secret",
                                        "x-forwarded-access-token"};
// Names that are more than words with a capital.
constexpr std::string_view kKnown[] = {"X-Request-ID", "X-Correlation-ID", "X-Trace-ID", "X-Span-ID",
                                       "X-Session-ID", "X-User-ID",        "X-Client-ID"};

bool is_one_of(std::string_view name, auto& names) {
  return std::ranges::any_of(names, [&](std::string_view one) { return iequals(one, name); });
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
    if (ends_here || is_one_of(name, kSecret) || iequals(name, core::kCorrelationHeader)) continue;
    out.add(usual_name(name), value);
  }
  for (const auto& [name, value] : fixed) out.set(name, value);
  out.add(core::kCorrelationHeader, correlation_id);
  return out;
}

}  // namespace fiso::link
