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
  // On the shard whose requests use it. The target may have been replaced meanwhile.
  std::function<void(async::Shard&, const Target&, const CredentialState&)> publish;
};

class Credentials {
 public:
  explicit Credentials(CredentialsParts parts) : parts_(std::move(parts)) {}
  // Ends what use() began. Nobody calls reject() any more.
  ~Credentials();
  Credentials(const Credentials&) = delete;

  // Readies what those of the targets need that are new; nothing takes effect yet. The error is the operator's to read.
  Result<> prepare(const Targets& targets);
  // After prepare(), once the shards have these targets: begins to ask for those that are new, waiting for no answer, and ends
  // with those that are gone.
  void use(const Targets& targets);
  // As of CredentialKeeper; of a target that is gone it says nothing about the one in its place. Thread-safe.
  void reject(std::shared_ptr<const Target> target, uint64_t number);

 private:
  struct Kept {
    std::shared_ptr<Target> target;
    std::unique_ptr<CredentialKeeper> keeper;
  };
  using Keepers = std::map<std::string, Kept>;  // by target; touched on the first shard only
  Result<Kept> make(async::Shard& shard, std::shared_ptr<Target> target);
  static Task<> end(Keepers keepers);
  void publish(const std::shared_ptr<const Target>& target, const CredentialState& state);

  CredentialsParts parts_;
  Keepers keepers_;
  Keepers prepared_;
};

// Where the secret of `auth` comes from. On the shard.
Result<std::unique_ptr<SecretSource>> make_secret_source(async::Shard& shard, async::BlockingPool& blocking,
                                                         const net::ClientOptions& client, const AuthConfig& auth,
                                                         const VaultConfig& vault);

}  // namespace fiso::link
