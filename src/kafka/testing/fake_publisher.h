// A publisher without a broker: keeps records, and fails as it is told.
//
// Threading: one shard.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "async/shard.h"
#include "async/signal.h"
#include "kafka/record_publisher.h"

namespace fiso::testing {

class FakePublisher final : public kafka::RecordPublisher {
 public:
  struct Kept {
    std::string topic;
    std::optional<std::string> key;
    std::string value;
    HeaderList headers;
  };

  Task<Result<kafka::Placement>> publish(const kafka::Record& record, MonotonicTime deadline) override {
    if (hangs) {
      async::Signal never(async::Shard::current().executor());
      (void)co_await never.wait(deadline);
      co_return Error(ErrorCode::kTimeout, "no acknowledgement in time");
    }
    if (failure.has_value()) co_return *failure;
    std::optional<std::string> key;
    if (record.key.has_value()) key.emplace(*record.key);
    kept.push_back({std::string(record.topic), std::move(key), std::string(record.value), record.headers});
    co_return kafka::Placement{0, static_cast<int64_t>(kept.size()) - 1};
  }

  std::vector<Kept> kept;
  std::optional<Error> failure;
  bool hangs = false;
};

}  // namespace fiso::testing
