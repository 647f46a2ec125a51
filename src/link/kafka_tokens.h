// The tokens of producers that show themselves by OAUTHBEARER: got as those of targets are, and given to librdkafka.
//
// Threading: control thread.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "async/shard.h"
#include "kafka/producer.h"
#include "link/credential_keeper.h"
#include "net/http_client.h"

namespace fiso::link {

struct KafkaTokensParts {
  async::ShardSet& shards;
  async::BlockingPool& blocking;
  observe::Log log;
  observe::Metrics& metrics;
  net::ClientOptions client = {};  // what is the same for all servers that give out secrets
};

class KafkaTokens {
 public:
  using Producers = std::vector<std::shared_ptr<kafka::Producer>>;

  explicit KafkaTokens(KafkaTokensParts parts) : parts_(std::move(parts)) {}
  ~KafkaTokens();
  KafkaTokens(const KafkaTokens&) = delete;

  // Readies what those need that are new. The error is the operator's to read.
  Result<> prepare(const Producers& producers);
  // After prepare(): begins to ask for those that are new, waiting for no answer, and ends with those that are not among them.
  void use(const Producers& producers);

 private:
  struct Kept {
    std::unique_ptr<observe::SeriesGroup> series;
    std::unique_ptr<CredentialKeeper> keeper;
  };
  using Keepers = std::map<kafka::Producer*, Kept>;  // touched on the first shard only; a producer outlives its keeper
  Result<Kept> make(async::Shard& shard, kafka::Producer& producer);
  static Task<> end(Keepers keepers);

  KafkaTokensParts parts_;
  Keepers keepers_, prepared_;
};

}  // namespace fiso::link
