// The credentials of all targets of a process: who keeps them fresh, all on one shard, and how they get to the others.
//
// Threading: control thread, but for reject().
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/shard.h"
#include "link/credential_keeper.h"
#include "link/target.h"

namespace fiso::link {

struct CredentialsParts {
  async::ShardSet& shards;
  async::BlockingPool& blocking;
  observe::Log log;
  VaultConfig vault;
  net::ClientOptions client = {};  // what is the same for all servers that give out secrets
  // On the shard whose requests use it.
  std::function<void(async::Shard&, const std::string& target, const CredentialState&)> publish;
};

class Credentials {
 public:
  // Borrows the targets.
  explicit Credentials(CredentialsParts parts) : parts_(std::move(parts)) {}
  // Ends what start() began. Nobody calls reject() any more.
  ~Credentials();
  Credentials(const Credentials&) = delete;

  // Begins to ask; waits for no answer. The error is the operator's to read.
  Result<> start(const std::vector<std::unique_ptr<Target>>& targets);
  // As of CredentialKeeper. Thread-safe.
  void reject(const std::string& target, uint64_t number);

 private:
  Result<> start(async::Shard& shard, const Target& target);
  void publish(const std::string& target, const CredentialState& state);

  CredentialsParts parts_;
  std::map<std::string, std::unique_ptr<CredentialKeeper>> keepers_;  // touched on the first shard only
};

// Where the secret of `auth` comes from. On the shard.
Result<std::unique_ptr<SecretSource>> make_secret_source(async::Shard& shard, async::BlockingPool& blocking,
                                                         const net::ClientOptions& client, const AuthConfig& auth,
                                                         const VaultConfig& vault);

}  // namespace fiso::link
