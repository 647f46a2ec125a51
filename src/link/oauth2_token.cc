#include "link/oauth2_token.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/ascii.h"
#include "json/scan.h"
#include "json/text.h"
#include "link/credential.h"

namespace fiso::link {
namespace {

constexpr Duration kShortest = std::chrono::seconds(1), kLongest = std::chrono::hours(24 * 30);

// application/x-www-form-urlencoded, RFC 6749 appendix B.
std::string form_encoded(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '*')
      out += c;
    else if (c == ' ')
      out += '+';
    else
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
  return out;
}

void add_parameter(std::string& form, std::string_view name, std::string_view value) {
  if (!form.empty()) form += '&';
  form.append(name).append("=").append(form_encoded(value));
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : " ").append(word);
  return out;
}

// Section 5.2. Only its own words are repeated: a server may put anything there, the secret it got too.
std::string_view known_reason(const json::Document& answer) {
  constexpr std::string_view kReasons[] = {"invalid_request",     "invalid_client",         "invalid_grant",
                                           "unauthorized_client", "unsupported_grant_type", "invalid_scope"};
  std::string_view raw = answer.find("error").value_or("");
  for (std::string_view reason : kReasons)
    if (raw.size() == reason.size() + 2 && raw.substr(1, reason.size()) == reason) return reason;
  return "";
}

std::optional<std::string> text_of(const json::Document& answer, std::string_view name) {
  std::optional<std::string_view> raw = answer.find(name);
  if (!raw || json::kind_of(*raw) != json::Kind::kString) return std::nullopt;
  Result<std::string> text = json::unquote(*raw);
  return text.has_value() ? std::optional(std::move(*text)) : std::nullopt;
}

// Seconds, as a number or as text, which some servers write.
Duration life_of(const json::Document& answer) {
  std::string text = text_of(answer, "expires_in").value_or(std::string(answer.find("expires_in").value_or("")));
  double seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  bool is_number = error == std::errc() && end == text.data() + text.size() && std::isfinite(seconds);
  if (!is_number) return OAuth2Token::kUsualLife;
  if (seconds <= 0) return OAuth2Token::kNoLife;
  seconds =
      std::clamp(seconds, std::chrono::duration<double>(kShortest).count(), std::chrono::duration<double>(kLongest).count());
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Error no_token(std::string why) { return Error(ErrorCode::kUnavailable, "the token endpoint " + std::move(why)); }

}  // namespace

OAuth2Token::OAuth2Token(async::Shard& shard, async::BlockingPool& blocking, net::ClientOptions options, OAuth2Config config,
                         std::unique_ptr<SecretSource> client_secret)
    : config_(std::move(config)),
      target_(options.origin.target),
      server_(shard, blocking, std::move(options)),
      client_secret_(std::move(client_secret)) {}

Task<Result<Lease>> OAuth2Token::fetch(MonotonicTime deadline) {
  FISO_CO_TRY(Lease client, co_await client_secret_->fetch(deadline));
  SecretServer::Question question{.method = "POST", .target = target_};
  question.headers.add("Accept", "application/json");
  question.headers.add("Content-Type", "application/x-www-form-urlencoded");
  add_parameter(question.body, "grant_type", "client_credentials");
  if (!config_.scopes.empty()) add_parameter(question.body, "scope", joined(config_.scopes));
  if (!config_.audience.empty()) add_parameter(question.body, "audience", config_.audience);
  if (config_.style == OAuth2Config::Style::kBody) {
    add_parameter(question.body, "client_id", config_.client_id);
    add_parameter(question.body, "client_secret", client.value.reveal());
  } else {
    std::string pair = form_encoded(config_.client_id) + ":" + form_encoded(client.value.reveal());
    question.headers.add("Authorization", "Basic " + base64(pair));
  }
  FISO_CO_TRY(net::HttpResponse answer, co_await server_.ask(question, deadline));
  co_return read_token_answer(answer);
}

void OAuth2Token::abort() {
  client_secret_->abort();
  server_.abort();
}

Result<Lease> read_token_answer(const net::HttpResponse& answer) {
  auto parsed = json::Document::parse(answer.body, 16);
  bool is_object = parsed.has_value() && parsed->is_object();
  if (answer.status != 200) {
    std::string_view reason = is_object ? known_reason(*parsed) : "";
    return no_token("answered " + std::to_string(answer.status) + (reason.empty() ? "" : " " + std::string(reason)));
  }
  if (!is_object) return no_token("answered with what is no JSON object");
  std::optional<std::string> token = text_of(*parsed, "access_token"), type = text_of(*parsed, "token_type");
  if (!token || token->empty()) return no_token("gave no access_token");
  if (type && !iequals(*type, "bearer")) return no_token("gave a token of a type that is not Bearer");
  Duration life = life_of(*parsed);
  return Lease{.value = Secret(std::move(*token)), .refresh_after = life / 5 * 4, .usable_for = life};
}

}  // namespace fiso::link
