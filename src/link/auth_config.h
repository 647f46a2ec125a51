// How a target is shown who asks: the kind of credentials, and where the secret behind them comes from.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "config/spec.h"

namespace fiso::link {

enum class AuthType { kNone, kBearer, kApiKey, kBasic, kOAuth2 };

struct ClientTls {
  std::string ca_file;
};

// A secret of this machine: a file, read again when it changes, or a variable of the environment.
struct SecretRef {
  std::string file_path;
  std::string env_var;
  bool empty() const { return file_path.empty() && env_var.empty(); }
};

// A secret of the Vault that the link file names.
struct VaultRef {
  std::string path;  // of its HTTP API, behind /v1/
  std::string field = "token";
  std::string role;  // empty: the Vault's own token
};

// Where the secrets that a VaultRef names are asked for.
struct VaultConfig {
  struct Kubernetes {
    std::string mount = "kubernetes";
    std::string token_file = "/var/run/secrets/kubernetes.io/serviceaccount/token";
  };

  std::string address;
  std::string vault_namespace;
  SecretRef token;
  Kubernetes kubernetes;
  ClientTls tls;
};

// How a token is got by the client credentials grant, RFC 6749 section 4.4.
struct OAuth2Config {
  enum class Style { kBasic, kBody };  // section 2.3.1: where the client's id and secret stand

  std::string token_url;
  std::string client_id;
  std::vector<std::string> scopes;
  std::string audience;
  Style style = Style::kBasic;
  ClientTls tls;
};

struct AuthConfig {
  AuthType type = AuthType::kNone;
  SecretRef secret;
  VaultRef vault;        // in place of `secret` if it has a path
  std::string header;    // of an API key; empty: Authorization
  std::string username;  // basic: with it the secret is the password, without it what is sent as it is
  OAuth2Config oauth2;   // whose client's secret is the secret
};

config::Spec<ClientTls> client_tls_spec(std::string summary);
// Reads the secrets of this machine too: what would go out without credentials is refused here.
config::Spec<AuthConfig> auth_spec();
config::Spec<VaultConfig> vault_spec();

// What a target's auth demands of the link file's `vault`; nothing if it is there.
std::optional<std::string> vault_complaint(const AuthConfig& auth, const VaultConfig& vault);

}  // namespace fiso::link
