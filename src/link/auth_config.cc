#include "link/auth_config.h"

#include <algorithm>

#include "base/ascii.h"
#include "link/credential.h"
#include "link/local_secret.h"
#include "net/hop_fields.h"
#include "net/tls.h"
#include "net/uri.h"

namespace fiso::link {
namespace {

using config::Report;
using config::Spec;

constexpr std::string_view kOfTheMessage[] = {"cookie",  "set-cookie", "date",        "range",      "origin",
                                              "referer", "via",        "traceparent", "tracestate", "idempotency-key"};

std::optional<std::string> bad_header_name(const std::string& name) {
  bool token = std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
  if (!token) return "{path} \"{value}\" is not a header name";
  // Left out of what goes to a target, or not ours to say.
  bool never_arrives =
      net::is_hop_field(name) || iequals(name, "host") || iequals(name, "content-length") || iequals(name, "expect");
  if (never_arrives) return "{path} \"{value}\" is a header that ends at the next server, or that says how a message is framed";
  // The secret would stand in place of the caller's, which the target needs to understand the request.
  auto begins = [&](std::string_view prefix) { return iequals(std::string_view(name).substr(0, prefix.size()), prefix); };
  bool is_the_messages = begins("content-") || begins("accept") || begins("if-") || begins("fiso-") || begins("sec-") ||
                         std::ranges::any_of(kOfTheMessage, [&](std::string_view one) { return iequals(name, one); });
  if (is_the_messages) return "{path} \"{value}\" is a header of the message itself, which a secret must not replace";
  return std::nullopt;
}

// RFC 7617, section 2: the first colon ends the user.
std::optional<std::string> bad_username(const std::string& name) {
  if (name.find(':') == std::string::npos) return std::nullopt;
  return "{path} \"{value}\" has a colon, which would end it";
}

std::optional<std::string> bad_url(const std::string& url) {
  auto uri = net::parse_uri(url);
  if (uri.has_value()) return std::nullopt;
  return "{path}: " + uri.error().message();
}

std::optional<std::string> bad_vault_address(const std::string& address) {
  if (auto complaint = bad_url(address)) return complaint;
  auto uri = net::parse_uri(address);
  if (uri->target == "/") return std::nullopt;
  return "{path} \"{value}\" has a path: it is only https://HOST:PORT";
}

// A path of the API as it goes out: nothing in it may lead elsewhere.
std::optional<std::string> bad_vault_path(const std::string& path) {
  bool is_plain = is_visible(path) && path.find_first_of("?#%\\;") == std::string::npos && path.find("//") == std::string::npos;
  bool is_relative = !path.starts_with('/') && !path.ends_with('/') && ("/" + path + "/").find("/../") == std::string::npos &&
                     ("/" + path + "/").find("/./") == std::string::npos;
  if (is_plain && is_relative) return std::nullopt;
  return "{path} \"{value}\" is not a path below /v1/, such as secret/data/api";
}

// RFC 6749, section 3.3.
std::optional<std::string> bad_scopes(const std::vector<std::string>& scopes) {
  for (const std::string& scope : scopes)
    if (scope.empty() || !is_visible(scope) || scope.find_first_of("\"\\") != std::string::npos)
      return "{path}: \"" + scope + "\" is not a scope";
  return std::nullopt;
}

void check_one_source(const SecretRef& ref, Report& report) {
  if (!ref.file_path.empty() && !ref.env_var.empty())
    report.error("envVar", "there is a filePath already, and one of both would not be used");
}

Spec<SecretRef> secret_ref_spec() {
  return Spec<SecretRef>("secretRef", "Where the secret comes from.")
      .field("filePath", &SecretRef::file_path, "A file; white space around it is dropped. It is read again when it changes.")
      .field("envVar", &SecretRef::env_var, "A variable of the environment.")
      .check(check_one_source);
}

void check_secret(std::string_view key, const SecretRef& ref, Report& report) {
  if (ref.empty()) return;
  if (auto secret = read_secret(ref); !secret.has_value()) report.error(key, secret.error().message());
}

void check_ca_file(const ClientTls& tls, Report& report) {
  if (tls.ca_file.empty()) return;
  if (auto context = net::make_tls_client_context({.ca_file = tls.ca_file}); !context.has_value())
    report.error("caFile", context.error().describe());
}

Spec<VaultRef> vault_ref_spec() {
  return Spec<VaultRef>("vaultRef", "A secret of the Vault that the key vault describes.")
      .required("path", &VaultRef::path,
                "What is read, as the HTTP API has it behind `/v1/`: `secret/data/api` for KV version 2.",
                {.check = bad_vault_path})
      .field("field", &VaultRef::field, "Which of its fields is the secret.")
      .field("role", &VaultRef::role, "Log in with this Kubernetes role, in place of the Vault's token.");
}

Spec<OAuth2Config> oauth2_spec() {
  using Style = OAuth2Config::Style;
  return Spec<OAuth2Config>("oauth2", "Tokens by the client credentials grant (RFC 6749, section 4.4).")
      .required("tokenUrl", &OAuth2Config::token_url, "Where tokens are asked for, http or https.", {.check = bad_url})
      .required("clientId", &OAuth2Config::client_id, "Who asks.")
      .field("scopes", &OAuth2Config::scopes, "What the token is to be good for; none leaves it to the server.",
             {.check = bad_scopes})
      .field("audience", &OAuth2Config::audience, "Whom the token is for, where the server wants to be told.")
      .choice("authStyle", &OAuth2Config::style, "Where the client's id and secret stand: a Basic header, or the form.",
              {{"basic", Style::kBasic}, {"body", Style::kBody}})
      .field("tls", &OAuth2Config::tls, client_tls_spec("How an https tokenUrl is verified."), "For https only.")
      .check({"tokenUrl"}, [](const OAuth2Config& oauth2, Report& report) {
        if (!oauth2.token_url.starts_with("https:") && report.has("tls"))
          report.error("tls", "{path} has an effect with an https tokenUrl only");
      });
}

void check_effects(const AuthConfig& auth, Report& report) {
  if (auth.type == AuthType::kNone) {
    for (std::string_view key : {"secretRef", "vaultRef", "header", "username", "oauth2"})
      if (report.has(key)) report.error(key, "{path} has an effect with a type of auth only (bearer, apikey, basic, oauth2)");
    return;
  }
  auto only_with = [&](AuthType type, const std::string& key, const std::string& word) {
    if (auth.type != type && report.has(key)) report.error(key, "{path} has an effect with `type: " + word + "` only");
  };
  only_with(AuthType::kApiKey, "header", "apikey");
  only_with(AuthType::kBasic, "username", "basic");
  only_with(AuthType::kOAuth2, "oauth2", "oauth2");
}

void check_auth(const AuthConfig& auth, Report& report) {
  check_effects(auth, report);
  if (auth.type == AuthType::kNone) return;
  if (auth.type == AuthType::kOAuth2 && auth.oauth2.token_url.empty())
    report.error("oauth2", "{path} is missing: give tokenUrl and clientId");
  if (!auth.secret.empty() && !auth.vault.path.empty())
    report.error("vaultRef", "there is a secretRef already, and one of both would not be used");
  if (auth.secret.empty() && auth.vault.path.empty())
    report.error("type", "the secret is missing: give secretRef.filePath, secretRef.envVar or vaultRef");
  if (auth.secret.empty()) return;
  if (auto secret = read_secret(auth.secret); !secret.has_value())
    report.error("secretRef", secret.error().message());
  else if (Result<Credential> sent = auth.type == AuthType::kOAuth2 ? Credential() : make_credential(auth, *secret);
           !sent.has_value())
    report.error("secretRef", sent.error().message());
}

}  // namespace

Spec<ClientTls> client_tls_spec(std::string summary) {
  return Spec<ClientTls>("tls", std::move(summary))
      .field("caFile", &ClientTls::ca_file, "Certificates to trust, PEM; without it those of the system.")
      .check(check_ca_file);
}

Spec<AuthConfig> auth_spec() {
  return Spec<AuthConfig>("auth", "Credentials that are added to every request, in place of the caller's.")
      .choice("type", &AuthConfig::type, "`bearer`, `apikey`, `basic` or `oauth2`.",
              {{"none", AuthType::kNone},
               {"bearer", AuthType::kBearer},
               {"apikey", AuthType::kApiKey},
               {"basic", AuthType::kBasic},
               {"oauth2", AuthType::kOAuth2}},
              {.match = config::Match::kIgnoreCase})
      .field("secretRef", &AuthConfig::secret, secret_ref_spec(),
             "The token, the key, the password, or the OAuth2 client's secret.")
      .field("vaultRef", &AuthConfig::vault, vault_ref_spec(), "The same from a Vault.")
      .field("header", &AuthConfig::header, "`apikey`: the header that carries it; empty is Authorization.",
             {.check = bad_header_name})
      .field("username", &AuthConfig::username,
             "`basic`: the user; without it the secret is what follows `Basic `, encoded already.", {.check = bad_username})
      .field("oauth2", &AuthConfig::oauth2, oauth2_spec(), "`oauth2`: where tokens come from.")
      .check(check_auth);
}

Spec<VaultConfig> vault_spec() {
  auto kubernetes =
      Spec<VaultConfig::Kubernetes>("kubernetes", "How a role of a vaultRef logs in.")
          .field("mount", &VaultConfig::Kubernetes::mount, "Where the auth method is mounted.", {.check = bad_vault_path})
          .field("tokenFile", &VaultConfig::Kubernetes::token_file, "The service account's token; read at each login.");
  return Spec<VaultConfig>("vault", "The Vault whose secrets a vaultRef names.")
      .required("address", &VaultConfig::address, "Its URL without a path.", {.check = bad_vault_address})
      .field("namespace", &VaultConfig::vault_namespace, "Sent as X-Vault-Namespace.")
      .field("secretRef", &VaultConfig::token, secret_ref_spec(), "The token, for every vaultRef without a role.")
      .field("kubernetes", &VaultConfig::kubernetes, kubernetes, "For every vaultRef with a role.")
      .field("tls", &VaultConfig::tls, client_tls_spec("How an https Vault is verified."), "For https only.")
      .check([](const VaultConfig& vault, Report& report) {
        check_secret("secretRef", vault.token, report);
        if (!vault.address.starts_with("https:") && report.has("tls"))
          report.error("tls", "{path} has an effect with an https address only");
      });
}

std::optional<std::string> vault_complaint(const AuthConfig& auth, const VaultConfig& vault) {
  if (auth.vault.path.empty()) return std::nullopt;
  if (vault.address.empty()) return "auth.vaultRef needs the key vault of the file, with an address";
  if (!auth.vault.role.empty()) {
    auto token = read_secret({.file_path = vault.kubernetes.token_file});
    return token.has_value() ? std::nullopt : std::optional("auth.vaultRef.role: " + token.error().message());
  }
  if (vault.token.empty()) return "auth.vaultRef has no role, and vault.secretRef gives no token";
  return std::nullopt;
}

}  // namespace fiso::link
