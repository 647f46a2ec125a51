// Publishes records: what asks for it knows of Kafka no more than this.
//
// Threading: publish() is called on a shard, any of them, and never blocks it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "async/task.h"
#include "base/clock.h"
#include "base/header_list.h"
#include "base/result.h"

namespace fiso::kafka {

// Borrowed until publish() first suspends or completes.
struct Record {
  std::string_view topic;
  std::optional<std::string_view> key;
  std::string_view value;
  const HeaderList& headers;
};

// Where it is.
struct Placement {
  int32_t partition = 0;
  int64_t offset = 0;
};

class RecordPublisher {
 public:
  virtual ~RecordPublisher() = default;

  // Completes with a placement only when the broker has acknowledged the record as the publisher's configuration asks. Errors,
  // whose messages name no address:
  //   kTimeout       no acknowledgement by the deadline: it may be written all the same, or still be
  //   kOverloaded    too many records wait; it was not taken
  //   kInvalidInput  larger than the broker or we allow
  //   kUnavailable   the brokers said no, or we did before it could be sent
  //   kCancelled     the publisher ends; it may have been written
  virtual Task<Result<Placement>> publish(const Record& record, MonotonicTime deadline) = 0;
};

}  // namespace fiso::kafka
