// A secret of a Vault's key-value store, versions 1 and 2, by its HTTP API.
//
// With a role it logs in first, as a Kubernetes service account, and again when 80 % of that login's life are over or it is
// refused. A secret is read again when 80 % of its lease are over, at least once an hour; without a lease, every 4 minutes. A
// Vault that cannot be asked leaves the last secret in use for an hour more; one that refuses, or does not have it, ends its use.
//
// Threading: as of SecretSource.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "link/auth_config.h"
#include "link/local_secret.h"
#include "link/secret_server.h"
#include "link/secret_source.h"

namespace fiso::link {

class VaultSecret final : public SecretSource {
 public:
  static constexpr std::chrono::minutes kUsualLease{5};
  static constexpr std::chrono::hours kLongestLease{1}, kLongestUse{1};

  // `options` name the origin of `config.address`; `config` has a token or `ref` a role.
  VaultSecret(async::Shard& shard, async::BlockingPool& blocking, net::ClientOptions options, VaultConfig config, VaultRef ref,
              const Clock& clock = Clock::system());

  Task<Result<Lease>> fetch(MonotonicTime deadline) override;
  // The Vault's token has.
  Task<bool> has_changed() override;
  void abort() override {
    token_.abort();
    server_.abort();
  }

 private:
  Task<Result<Secret>> token(MonotonicTime deadline);
  Task<Result<Secret>> log_in(MonotonicTime deadline);
  SecretServer::Question question(std::string_view method, std::string_view path) const;

  const VaultConfig config_;
  const VaultRef ref_;
  const Clock& clock_;
  SecretServer server_;
  LocalSecret token_;            // the Vault's, or the service account's
  std::optional<Secret> login_;  // what the role was given
  MonotonicTime log_in_at_{};    // again
};

// The lease of `field` in the answer to a read of either version.
Result<Lease> read_vault_answer(const net::HttpResponse& answer, const std::string& field);

}  // namespace fiso::link
