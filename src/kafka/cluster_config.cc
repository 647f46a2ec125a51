#include "kafka/cluster_config.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/ascii.h"
#include "net/tls.h"
#include "net/uri.h"

namespace fiso::kafka {
namespace {

using config::Report;
using config::Spec;
using Provider = OAuthConfig::Provider;

std::optional<std::string> bad_brokers(const std::vector<std::string>& brokers) {
  for (const std::string& broker : brokers) {
    auto uri = net::parse_uri("http://" + broker + "/");
    bool plain = uri.has_value() && uri->target == "/" && broker.find_first_of("/?#@, ") == std::string::npos;
    if (!plain) return "{path}: \"" + broker + "\" is not a broker, such as kafka-1.example:9092";
  }
  return std::nullopt;
}

std::optional<std::string> bad_url(const std::string& url) {
  auto uri = net::parse_uri(url);
  if (uri.has_value()) return std::nullopt;
  return "{path}: " + uri.error().message();
}

// It becomes a segment of a URL's path.
std::optional<std::string> bad_tenant(const std::string& tenant) {
  bool plain = std::ranges::all_of(tenant, [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });
  if (plain && !tenant.starts_with('.')) return std::nullopt;
  return "{path} \"{value}\" is not a tenant: it has letters, digits, - and .";
}

// RFC 7628, section 3.1: names are letters, and `auth` is not theirs.
std::optional<std::string> bad_extensions(const std::map<std::string, std::string>& extensions) {
  for (const auto& [name, value] : extensions) {
    bool letters = std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) && (c < '0' || c > '9'); });
    bool visible = std::ranges::all_of(value, [](char c) { return c >= ' ' && c < 127; });
    if (name.empty() || !letters || name == "auth" || !visible) return "{path}: \"" + name + "\" is not an extension of SASL";
  }
  return std::nullopt;
}

void check_client_secret(const OAuthConfig& oauth, Report& report) {
  if (oauth.client_secret_env.empty() == oauth.client_secret_file.empty())
    return report.error("clientSecretEnv", "{path}: give clientSecretEnv or clientSecretFile, one of both");
  const char* value = oauth.client_secret_env.empty() ? nullptr : std::getenv(oauth.client_secret_env.c_str());
  if (!oauth.client_secret_env.empty() && (value == nullptr || *value == 0))
    report.error("clientSecretEnv", "{path}: environment variable " + oauth.client_secret_env + " is not set or empty");
  if (!oauth.client_secret_file.empty() && ::access(oauth.client_secret_file.c_str(), R_OK) != 0)
    report.error("clientSecretFile", "{path}: " + oauth.client_secret_file + " cannot be read");
}

void check_oauth(const OAuthConfig& oauth, Report& report) {
  if (oauth.provider == Provider::kUnset) return report.error("provider", "{path}: oauth.provider is required (e.g., \"azure\")");
  if (oauth.client_id.empty()) report.error("clientId", "{path}: oauth.clientId is required");
  if (oauth.scope.empty() && oauth.provider == Provider::kAzure) report.error("scope", "{path}: oauth.scope is required");
  if (oauth.provider == Provider::kAzure && oauth.tenant_id.empty())
    report.error("tenantId", "{path}: oauth.tenantId is required for Azure provider");
  if (oauth.provider != Provider::kAzure && report.has("tenantId"))
    report.error("tenantId", "{path} has an effect with `provider: azure` only");
  if (oauth.provider != Provider::kAzure && oauth.token_url.empty())
    report.error("tokenUrl", "{path}: oauth.tokenUrl is required for provider clientCredentials");
  check_client_secret(oauth, report);
  if (!oauth.ca_file.empty() && !oauth.effective_token_url().starts_with("https:"))
    report.error("caFile", "{path} has an effect with an https tokenUrl only");
  if (!oauth.ca_file.empty())
    if (auto context = net::make_tls_client_context({.ca_file = oauth.ca_file}); !context.has_value())
      report.error("caFile", "{path}: " + context.error().describe());
}

Spec<OAuthConfig> oauth_spec() {
  return Spec<OAuthConfig>("oauth", "Tokens by the client credentials grant (RFC 6749, section 4.4).")
      .choice("provider", &OAuthConfig::provider, "`azure`, whose tokenUrl is known, or `clientCredentials`, any server.",
              {{"azure", Provider::kAzure}, {"clientCredentials", Provider::kClientCredentials}},
              {.invalid = "{path}: unsupported oauth provider: {value} (valid: azure, clientCredentials)"})
      .field(
          "tokenUrl", &OAuthConfig::token_url,
          "Where tokens are asked for; of azure https://login.microsoftonline.com/TENANT/oauth2/v2.0/token, if it is not given.",
          {.check = bad_url})
      .field("tenantId", &OAuthConfig::tenant_id, "`azure`: the tenant.", {.check = bad_tenant})
      .field("clientId", &OAuthConfig::client_id, "Who asks.")
      .field("clientSecretEnv", &OAuthConfig::client_secret_env,
             "The variable of the environment that holds the client's secret.")
      .field("clientSecretFile", &OAuthConfig::client_secret_file, "Or the file that holds it, read again when it changes.")
      .field("scope", &OAuthConfig::scope, "What the token is to be good for; several with blanks between them.")
      .field("caFile", &OAuthConfig::ca_file, "Certificates that an https tokenUrl is verified by, PEM; without it the system's.")
      .field("extensions", &OAuthConfig::extensions, "Sent to the brokers beside the token (KIP-342).", {.check = bad_extensions})
      .check(check_oauth);
}

const char* name_of(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::kNone: return "";
    case Mechanism::kPlain: return "PLAIN";
    case Mechanism::kScramSha256: return "SCRAM-SHA-256";
    case Mechanism::kScramSha512: return "SCRAM-SHA-512";
    case Mechanism::kOAuthBearer: return "OAUTHBEARER";
  }
  return "";
}

void check_auth(const SaslConfig& auth, Report& report) {
  bool is_oauth = auth.mechanism == Mechanism::kOAuthBearer, by_password = auth.mechanism != Mechanism::kNone && !is_oauth;
  if (is_oauth && !report.has("oauth")) report.error("oauth", "{path}: oauth config is required for OAUTHBEARER mechanism");
  if (!is_oauth && report.has("oauth")) report.error("oauth", "{path} has an effect with `mechanism: OAUTHBEARER` only");
  std::string when = std::string(" is required when mechanism is ") + name_of(auth.mechanism);
  if (by_password && auth.username.empty()) report.error("username", "{path}: username" + when);
  if (by_password && auth.password.empty()) report.error("password", "{path}: password" + when);
  if (!by_password)
    for (std::string_view key : {"username", "password"})
      if (report.has(key)) report.error(key, "{path} has an effect with PLAIN and SCRAM only");
}

Spec<SaslConfig> sasl_spec() {
  return Spec<SaslConfig>("auth", "Who we are to the brokers, by SASL.")
      .choice(
          "mechanism", &SaslConfig::mechanism, "Without it there is no authentication.",
          {{"PLAIN", Mechanism::kPlain},
           {"SCRAM-SHA-256", Mechanism::kScramSha256},
           {"SCRAM-SHA-512", Mechanism::kScramSha512},
           {"OAUTHBEARER", Mechanism::kOAuthBearer}},
          {.invalid = "{path}: unsupported SASL mechanism: {value} (valid: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER)"})
      .field("username", &SaslConfig::username, "Of PLAIN and SCRAM.")
      .field("password", &SaslConfig::password, "Of PLAIN and SCRAM; better by {fromEnv: NAME} or {fromFile: PATH}.")
      .field("oauth", &SaslConfig::oauth, oauth_spec(), "Of OAUTHBEARER: where tokens come from.")
      .check(check_auth);
}

void check_tls(const ClusterTls& tls, Report& report) {
  if (!tls.enabled) {
    for (std::string_view key : {"caFile", "certFile", "keyFile", "skipVerify"})
      if (report.has(key)) report.error(key, "{path} has an effect with `enabled: true` only");
    return;
  }
  if (tls.cert_file.empty() != tls.key_file.empty())
    return report.error(tls.cert_file.empty() ? "keyFile" : "certFile",
                        "{path}: both certFile and keyFile must be specified together for mTLS");
  if (tls.skip_verify && !tls.ca_file.empty()) report.error("caFile", "{path} has no effect with `skipVerify: true`");
  auto complain = [&](std::string_view key, const net::TlsClientOptions& options) {
    if (auto context = net::make_tls_client_context(options); !context.has_value())
      report.error(key, "{path}: " + context.error().describe());
  };
  if (!tls.ca_file.empty()) complain("caFile", {.ca_file = tls.ca_file});
  if (!tls.cert_file.empty()) complain("certFile", {.cert_file = tls.cert_file, .key_file = tls.key_file});
}

Spec<ClusterTls> tls_spec() {
  return Spec<ClusterTls>("tls",
                          "TLS to the brokers. Files are read when the cluster is first used, and after a change of its keys.")
      .field("enabled", &ClusterTls::enabled, "Whether there is any.")
      .field("caFile", &ClusterTls::ca_file, "Certificates to trust, PEM; without it those of the system.")
      .field("certFile", &ClusterTls::cert_file, "Certificate to show to the brokers, and its chain, PEM.")
      .field("keyFile", &ClusterTls::key_file, "Private key of certFile, PEM, without a passphrase.")
      .field("skipVerify", &ClusterTls::skip_verify,
             "Whoever answers is taken for a broker, and gets records and credentials. For tests only.")
      .check(check_tls);
}

}  // namespace

std::string OAuthConfig::effective_token_url() const {
  if (!token_url.empty() || provider != Provider::kAzure) return token_url;
  return "https://login.microsoftonline.com/" + tenant_id + "/oauth2/v2.0/token";
}

Spec<ClusterConfig> cluster_spec() {
  config::Rules<std::vector<std::string>> brokers;
  brokers.missing = "{path}: at least one broker is required";
  brokers.check = bad_brokers;
  return Spec<ClusterConfig>("cluster", "A Kafka cluster.")
      .required("brokers", &ClusterConfig::brokers, "HOST:PORT of some of its brokers, which name the others.", brokers)
      .field("auth", &ClusterConfig::auth, sasl_spec(), "None without the key.")
      .field("tls", &ClusterConfig::tls, tls_spec(), "Off unless `enabled`.")
      .field("maxQueuedRecords", &ClusterConfig::max_queued_records,
             "Records that wait for their acknowledgement at a time; beyond it the answer is 503.",
             config::between<int64_t>(1, 1'000'000))
      .field("maxQueuedBytes", &ClusterConfig::max_queued, "The same in bytes of keys and values.",
             config::between<Bytes>(1_MiB, 2_GiB));
}

}  // namespace fiso::kafka
