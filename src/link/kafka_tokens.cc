#include "link/kafka_tokens.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <utility>

#include "async/run_and_wait.h"
#include "link/credentials.h"

namespace fiso::link {
namespace {

constexpr std::string_view kBearer = "Bearer ";  // what a Credential of OAuth2 begins with

AuthConfig auth_of(const kafka::OAuthConfig& oauth) {
  AuthConfig auth{.type = AuthType::kOAuth2,
                  .secret = {.file_path = oauth.client_secret_file, .env_var = oauth.client_secret_env}};
  auth.oauth2 = {.token_url = oauth.effective_token_url(),
                 .client_id = oauth.client_id,
                 .style = OAuth2Config::Style::kBody,
                 .tls = {.ca_file = oauth.ca_file}};
  std::istringstream scopes(oauth.scope);
  for (std::string scope; scopes >> scope;) auth.oauth2.scopes.push_back(scope);
  return auth;
}

void give(kafka::Producer& producer, const CredentialState& state) {
  if (state.credential.has_value())
    producer.set_token(Secret(state.credential->value.reveal().substr(kBearer.size())));
  else if (!state.is_asked_for)
    producer.drop_token("there is no token");
}

}  // namespace

KafkaTokens::~KafkaTokens() {
  async::run_and_wait(parts_.shards[0], [&] {
    prepared_.clear();
    return end(std::exchange(keepers_, {}));
  });
}

Task<> KafkaTokens::end(Keepers keepers) {
  for (auto& [producer, kept] : keepers) kept.keeper->stop();
  for (auto& [producer, kept] : keepers) co_await kept.keeper->end();
}

Result<> KafkaTokens::prepare(const Producers& producers) {
  Result<> prepared;
  parts_.shards.run_on(0, [&](async::Shard& shard) {
    prepared_.clear();
    for (const auto& producer : producers) {
      bool is_oauth = producer->options().config.auth.mechanism == kafka::Mechanism::kOAuthBearer;
      if (!is_oauth || keepers_.contains(producer.get())) continue;
      auto kept = make(shard, *producer);
      if (!kept.has_value()) {
        prepared = kept.take_error().with_context("kafka: cluster \"" + producer->options().cluster + "\"");
        return;
      }
      prepared_.emplace(producer.get(), std::move(*kept));
    }
  });
  return prepared;
}

void KafkaTokens::use(const Producers& producers) {
  auto is_used = [&](const kafka::Producer* one) {
    return std::ranges::any_of(producers, [&](const auto& producer) { return producer.get() == one; });
  };
  async::run_and_wait(parts_.shards[0], [&] {
    std::erase_if(prepared_, [&](const auto& kept) { return !is_used(kept.first); });
    Keepers gone;
    for (auto one = keepers_.begin(); one != keepers_.end();) {
      auto next = std::next(one);
      if (!is_used(one->first)) gone.insert(keepers_.extract(one));
      one = next;
    }
    return end(std::move(gone));
  });
  parts_.shards.run_on(0, [&](async::Shard&) {
    for (auto& [producer, kept] : prepared_) kept.keeper->start();
    keepers_.merge(prepared_);
  });
}

Result<KafkaTokens::Kept> KafkaTokens::make(async::Shard& shard, kafka::Producer& producer) {
  const std::string& cluster = producer.options().cluster;
  AuthConfig auth = auth_of(producer.options().config.auth.oauth);
  FISO_TRY(auto source, make_secret_source(shard, parts_.blocking, parts_.client, auth, {}));
  std::string target = "kafka.clusters." + cluster;
  Kept kept{.series = std::make_unique<observe::SeriesGroup>(
                parts_.metrics, observe::Labels{{"target", "kafka:" + cluster}}),  // no target has such a name
            .keeper = nullptr};
  KeeperParts parts{.shard = shard,
                    .log = parts_.log.with({{"target", target}}),
                    .series = *kept.series,
                    .publish = [&producer](const CredentialState& state) { give(producer, state); }};
  kept.keeper = std::make_unique<CredentialKeeper>(std::move(parts), auth, std::move(source));
  return kept;
}

}  // namespace fiso::link
