#include "components/sinks/discard/discard_sink.h"

#include "core/testing/sink_contract.h"

namespace fiso::testing {
namespace {

class DiscardBench final : public SinkBench {
 public:
  async::ShardSet& shards() override { return shards_; }
  std::unique_ptr<core::Sink> make_sink(async::Shard&) override { return std::make_unique<sinks::DiscardSink>(); }
  bool become(Mood mood) override { return mood == Mood::kTakes; }
  bool remembers() const override { return false; }
  std::vector<std::string> taken() override { return {}; }

 private:
  async::ShardSet shards_{1};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Discard, SinkContract, DiscardBench);

}  // namespace
}  // namespace fiso::testing
