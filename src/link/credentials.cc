#include "link/credentials.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "async/run_and_wait.h"
#include "link/local_secret.h"
#include "link/oauth2_token.h"
#include "link/vault_secret.h"

namespace fiso::link {

Result<std::unique_ptr<SecretSource>> make_secret_source(async::Shard& shard, async::BlockingPool& blocking,
                                                         const net::ClientOptions& client, const AuthConfig& auth,
                                                         const VaultConfig& vault) {
  std::unique_ptr<SecretSource> secret;
  if (auth.vault.path.empty()) {
    secret = std::make_unique<LocalSecret>(blocking, auth.secret);
  } else {
    FISO_TRY(net::ClientOptions options, secret_server_options(client, vault.address, vault.tls.ca_file));
    secret = std::make_unique<VaultSecret>(shard, blocking, std::move(options), vault, auth.vault);
  }
  if (auth.type != AuthType::kOAuth2) return secret;
  FISO_TRY(net::ClientOptions options, secret_server_options(client, auth.oauth2.token_url, auth.oauth2.tls.ca_file));
  return std::make_unique<OAuth2Token>(shard, blocking, std::move(options), auth.oauth2, std::move(secret));
}

Credentials::~Credentials() {
  async::run_and_wait(parts_.shards[0], [&] {
    prepared_.clear();
    return end(std::exchange(keepers_, {}));
  });
}

Task<> Credentials::end(Keepers keepers) {
  for (auto& [name, kept] : keepers) kept.keeper->stop();
  for (auto& [name, kept] : keepers) co_await kept.keeper->end();
}

Result<> Credentials::prepare(const Targets& targets) {
  Result<> prepared;
  parts_.shards.run_on(0, [&](async::Shard& shard) {
    prepared_.clear();
    for (const auto& [target, interceptions] : targets) {
      const std::string& name = target->config.name;
      auto known = keepers_.find(name);
      bool stays = known != keepers_.end() && known->second.target == target;
      if (stays || target->config.auth.type == AuthType::kNone) continue;
      auto kept = make(shard, target);
      if (!kept.has_value()) {
        prepared = kept.take_error().with_context("target \"" + name + "\"");
        return;
      }
      prepared_.emplace(name, std::move(*kept));
    }
  });
  return prepared;
}

void Credentials::use(const Targets& targets) {
  auto is_used = [&](const Kept& kept) {
    return std::ranges::any_of(targets, [&](const TargetInUse& used) { return used.target == kept.target; });
  };
  async::run_and_wait(parts_.shards[0], [&] {
    Keepers gone;
    for (auto one = keepers_.begin(); one != keepers_.end();) {
      auto next = std::next(one);
      if (!is_used(one->second)) gone.insert(keepers_.extract(one));
      one = next;
    }
    return end(std::move(gone));
  });
  parts_.shards.run_on(0, [&](async::Shard&) {
    for (auto& [name, kept] : prepared_) kept.keeper->start();
    keepers_.merge(prepared_);
  });
}

Result<Credentials::Kept> Credentials::make(async::Shard& shard, std::shared_ptr<Target> target) {
  FISO_TRY(auto source, make_secret_source(shard, parts_.blocking, parts_.client, target->config.auth, parts_.vault));
  KeeperParts parts{.shard = shard,
                    .log = parts_.log.with({{"target", target->config.name}}),
                    .series = target->series,
                    .publish = [this, target](const CredentialState& state) { publish(target, state); }};
  auto keeper = std::make_unique<CredentialKeeper>(std::move(parts), target->config.auth, std::move(source));
  return Kept{std::move(target), std::move(keeper)};
}

void Credentials::publish(const std::shared_ptr<const Target>& target, const CredentialState& state) {
  for (unsigned i = 0; i < parts_.shards.count(); ++i) {
    async::Shard& shard = parts_.shards[i];
    shard.post([tell = parts_.publish, &shard, target, state] { tell(shard, *target, state); });
  }
}

void Credentials::reject(std::shared_ptr<const Target> target, uint64_t number) {
  parts_.shards[0].post([this, target = std::move(target), number] {
    auto found = keepers_.find(target->config.name);
    if (found != keepers_.end() && found->second.target == target) found->second.keeper->reject(number);
  });
}

}  // namespace fiso::link
