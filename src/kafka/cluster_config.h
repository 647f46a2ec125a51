// A Kafka cluster as a configuration describes it: its brokers, who we are to them, and TLS.
//
// The keys are those of the original; secrets may be written out, or named by {fromEnv: NAME} or {fromFile: PATH}.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/units.h"
#include "config/spec.h"

namespace fiso::kafka {

enum class Mechanism { kNone, kPlain, kScramSha256, kScramSha512, kOAuthBearer };

// Where tokens for OAUTHBEARER come from: a client credentials grant, RFC 6749 section 4.4.
struct OAuthConfig {
  enum class Provider { kUnset, kAzure, kClientCredentials };

  Provider provider = Provider::kUnset;
  std::string token_url;  // empty: Azure's own, of the tenant
  std::string tenant_id;
  std::string client_id;
  std::string client_secret_env;   // one of both: a variable,
  std::string client_secret_file;  // or a file
  std::string scope;
  std::string ca_file;  // of an https token_url; empty: the authorities of the system
  std::map<std::string, std::string> extensions;

  std::string effective_token_url() const;
  bool operator==(const OAuthConfig&) const = default;
};

struct SaslConfig {
  Mechanism mechanism = Mechanism::kNone;
  std::string username;
  Secret password;
  OAuthConfig oauth;
  bool operator==(const SaslConfig&) const = default;
};

struct ClusterTls {
  bool enabled = false;
  std::string ca_file;
  std::string cert_file;  // with key_file: what we show of ourselves
  std::string key_file;
  bool skip_verify = false;
  bool operator==(const ClusterTls&) const = default;
};

struct ClusterConfig {
  std::vector<std::string> brokers;  // HOST:PORT, to begin with; they name the others
  SaslConfig auth;
  ClusterTls tls;
  int64_t max_queued_records = 10'000;  // that are not acknowledged yet, of one producer
  Bytes max_queued = 64_MiB;
  bool operator==(const ClusterConfig&) const = default;
};

// Its checks open the files that it names.
config::Spec<ClusterConfig> cluster_spec();

}  // namespace fiso::kafka
