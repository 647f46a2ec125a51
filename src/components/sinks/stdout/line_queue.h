// Writes the lines of events to standard output on a thread of its own, with a bounded queue in front.
//
// A reader that does not read holds up this thread and nothing else. Lines are written in the order they came, whole, and
// never mix with those of the log. Thread-safe; one for the process. Destroy it after the shards' work has ended.
#pragma once

#include <atomic>
#include <string>

#include "async/blocking_pool.h"
#include "base/units.h"
#include "observe/line_writer.h"

namespace fiso::sinks {

struct LineQueueLimits {
  size_t lines = 4096;                            // that wait, the one being written included
  Bytes bytes = 64_MiB;                           // of all of them; a longer line is taken when no other waits
  Duration exit_grace = std::chrono::seconds(1);  // how long destruction waits for a line that has begun
};

class LineQueue {
 public:
  explicit LineQueue(int fd, LineQueueLimits limits = {})  // `fd` is borrowed
      : limits_(limits), writer_(fd), thread_(1, limits.lines) {}
  ~LineQueue() { writer_.give_up_at(std::chrono::steady_clock::now() + limits_.exit_grace); }
  LineQueue(const LineQueue&) = delete;

  // Adds the newline and completes when the line has been written. On a shard. Errors: kOverloaded at once when the queue is
  // full, kUnavailable when the descriptor takes nothing, kTimeout at the deadline: the line is then not written, unless it
  // had begun.
  Task<Result<>> write(std::string line, MonotonicTime deadline);

  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Entry;
  bool take(uint64_t bytes);
  void write_now(Entry& entry);

  const LineQueueLimits limits_;
  std::atomic<uint64_t> bytes_{0};
  observe::LineWriter writer_;
  async::BlockingPool thread_;  // the last member: its destruction waits for what uses the others
};

}  // namespace fiso::sinks
