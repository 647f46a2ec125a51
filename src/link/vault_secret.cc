#include "link/vault_secret.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "json/scan.h"
#include "json/text.h"

namespace fiso::link {
namespace {

constexpr unsigned kMaxDepth = 64;
constexpr std::chrono::seconds kLongestLogin = std::chrono::hours(24 * 30);

// What a refusal says about the secret: it may not be used, or nothing is known of it.
Error refused(int status, const std::string& what) {
  bool final = status == 400 || status == 403 || status == 404;
  return Error(final ? ErrorCode::kRejected : ErrorCode::kUnavailable,
               "the vault answered " + std::to_string(status) + " to " + what);
}

Error unreadable(const std::string& what) { return Error(ErrorCode::kUnavailable, "the vault's answer " + what); }

Duration seconds_of(const json::Document& object, std::string_view name) {
  std::string_view raw = object.find(name).value_or("0");
  int64_t seconds = 0;
  std::from_chars(raw.data(), raw.data() + raw.size(), seconds);
  return std::chrono::seconds(std::clamp<int64_t>(seconds, 0, kLongestLogin.count()));
}

Result<json::Document> object_of(std::string_view text) {
  auto parsed = json::Document::parse(text, kMaxDepth);
  if (!parsed.has_value() || !parsed->is_object()) return unreadable("is no JSON object");
  return std::move(*parsed);
}

Result<json::Document> member_object(const json::Document& object, std::string_view name) {
  std::optional<std::string_view> raw = object.find(name);
  if (!raw || json::kind_of(*raw) != json::Kind::kObject) return unreadable("has no object \"" + std::string(name) + "\"");
  return object_of(*raw);
}

}  // namespace

VaultSecret::VaultSecret(async::Shard& shard, async::BlockingPool& blocking, net::ClientOptions options, VaultConfig config,
                         VaultRef ref, const Clock& clock)
    : config_(std::move(config)),
      ref_(std::move(ref)),
      clock_(clock),
      server_(shard, blocking, std::move(options)),
      token_(blocking, ref_.role.empty() ? config_.token : SecretRef{.file_path = config_.kubernetes.token_file}) {}

SecretServer::Question VaultSecret::question(std::string_view method, std::string_view path) const {
  SecretServer::Question question{.method = method, .target = "/v1/" + std::string(path)};
  question.headers.add("Accept", "application/json");
  question.headers.add("X-Vault-Request", "true");
  if (!config_.vault_namespace.empty()) question.headers.add("X-Vault-Namespace", config_.vault_namespace);
  return question;
}

Task<Result<Lease>> VaultSecret::fetch(MonotonicTime deadline) {
  FISO_CO_TRY(Secret token, co_await this->token(deadline));
  SecretServer::Question read = question("GET", ref_.path);
  read.headers.add("X-Vault-Token", token.reveal());
  FISO_CO_TRY(net::HttpResponse answer, co_await server_.ask(read, deadline));
  if (answer.status == 403 && login_.has_value()) {  // it may have been revoked
    login_.reset();
    FISO_CO_TRY(token, co_await this->token(deadline));
    read.headers.set("X-Vault-Token", token.reveal());
    FISO_CO_TRY(answer, co_await server_.ask(read, deadline));
  }
  co_return read_vault_answer(answer, ref_.field);
}

// A service account's token is replaced all the time, and matters at a login only.
Task<bool> VaultSecret::has_changed() {
  if (!ref_.role.empty()) co_return false;
  co_return co_await token_.has_changed();
}

Task<Result<Secret>> VaultSecret::token(MonotonicTime deadline) {
  if (!ref_.role.empty()) co_return co_await log_in(deadline);
  FISO_CO_TRY(Lease lease, co_await token_.fetch(deadline));
  co_return std::move(lease.value);
}

Task<Result<Secret>> VaultSecret::log_in(MonotonicTime deadline) {
  if (login_.has_value() && clock_.now() < log_in_at_) co_return *login_;
  login_.reset();
  FISO_CO_TRY(Lease account, co_await token_.fetch(deadline));
  SecretServer::Question login = question("POST", "auth/" + config_.kubernetes.mount + "/login");
  login.headers.add("Content-Type", "application/json");
  login.body = "{\"role\":";
  json::append_quoted(login.body, ref_.role);
  login.body += ",\"jwt\":";
  json::append_quoted(login.body, account.value.reveal());
  login.body += '}';
  FISO_CO_TRY(net::HttpResponse answer, co_await server_.ask(login, deadline));
  if (answer.status != 200) co_return refused(answer.status, "the login");
  FISO_CO_TRY(json::Document whole, object_of(answer.body));
  FISO_CO_TRY(json::Document auth, member_object(whole, "auth"));
  Result<std::string> token = json::unquote(auth.find("client_token").value_or(""));
  if (!token.has_value() || token->empty()) co_return unreadable("has no client_token");
  Duration life = seconds_of(auth, "lease_duration");
  if (life == Duration(0)) life = kUsualLease;
  login_ = Secret(std::move(*token));
  log_in_at_ = clock_.now() + life / 5 * 4;
  co_return *login_;
}

// Version 2 has the fields one level deeper, beside their metadata.
Result<Lease> read_vault_answer(const net::HttpResponse& answer, const std::string& field) {
  if (answer.status != 200) return refused(answer.status, "the read");
  FISO_TRY(json::Document whole, object_of(answer.body));
  FISO_TRY(json::Document fields, member_object(whole, "data"));
  Result<json::Document> inner = member_object(fields, "data");
  if (inner.has_value() && member_object(fields, "metadata").has_value()) fields = std::move(*inner);
  Result<std::string> value = json::unquote(fields.find(field).value_or(""));
  if (!value.has_value() || value->empty())
    return Error(ErrorCode::kRejected, "the vault's secret has no text in its field").with_context(field);
  Duration lease = seconds_of(whole, "lease_duration");
  lease = lease == Duration(0) ? Duration(VaultSecret::kUsualLease) : std::min<Duration>(lease, VaultSecret::kLongestLease);
  return Lease{
      .value = Secret(std::move(*value)), .refresh_after = lease / 5 * 4, .usable_for = lease + VaultSecret::kLongestUse};
}

}  // namespace fiso::link
