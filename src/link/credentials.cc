#include "link/credentials.h"

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
  async::Shard& shard = parts_.shards[0];
  async::run_and_wait(shard, [&] {
    return [](auto& keepers) -> Task<> {
      for (auto& [name, keeper] : keepers) keeper->stop();
      for (auto& [name, keeper] : keepers) co_await keeper->end();
      keepers.clear();
    }(keepers_);
  });
}

Result<> Credentials::start(const std::vector<std::unique_ptr<Target>>& targets) {
  Result<> started;
  parts_.shards.run_on(0, [&](async::Shard& shard) {
    for (const auto& target : targets)
      if (started.has_value() && target->config.auth.type != AuthType::kNone) started = start(shard, *target);
  });
  return started;
}

Result<> Credentials::start(async::Shard& shard, const Target& target) {
  const std::string& name = target.config.name;
  auto source = make_secret_source(shard, parts_.blocking, parts_.client, target.config.auth, parts_.vault);
  if (!source.has_value()) return source.take_error().with_context("target \"" + name + "\"");
  KeeperParts parts{.shard = shard,
                    .log = parts_.log.with({{"target", name}}),
                    .series = target.series,
                    .publish = [this, name](const CredentialState& state) { publish(name, state); }};
  auto keeper = std::make_unique<CredentialKeeper>(std::move(parts), target.config.auth, std::move(*source));
  keeper->start();
  keepers_.emplace(name, std::move(keeper));
  return {};
}

void Credentials::publish(const std::string& target, const CredentialState& state) {
  for (unsigned i = 0; i < parts_.shards.count(); ++i) {
    async::Shard& shard = parts_.shards[i];
    shard.post([tell = parts_.publish, &shard, target, state] { tell(shard, target, state); });
  }
}

void Credentials::reject(const std::string& target, uint64_t number) {
  parts_.shards[0].post([this, target, number] {
    auto found = keepers_.find(target);
    if (found != keepers_.end()) found->second->reject(number);
  });
}

}  // namespace fiso::link
