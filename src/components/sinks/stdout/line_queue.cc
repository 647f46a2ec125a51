#include "components/sinks/stdout/line_queue.h"

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace fiso::sinks {
namespace {

Error too_many() { return {ErrorCode::kOverloaded, "standard output: too many events wait to be written"}; }

}  // namespace

// One line on its way. The thread may still have it when its caller has stopped to wait.
struct LineQueue::Entry {
  Entry(async::Shard& callers, std::string text, MonotonicTime begin_before)
      : shard(callers), line(std::move(text)), deadline(begin_before), done(callers.executor()) {}

  async::Shard& shard;
  const std::string line;
  const MonotonicTime deadline;
  int error = 0;  // errno
  async::Signal done;
};

Task<Result<>> LineQueue::write(std::string line, MonotonicTime deadline) {
  uint64_t size = line.size();
  if (!take(size)) co_return too_many();
  auto entry = std::make_shared<Entry>(async::Shard::current(), std::move(line), deadline);
  bool queued = thread_.submit([this, entry]() mutable {
    write_now(*entry);
    async::Shard& shard = entry->shard;
    shard.post([entry = std::move(entry)] { entry->done.set(); });
  });
  if (!queued) {
    bytes_.fetch_sub(size, std::memory_order_relaxed);
    co_return too_many();
  }
  bool done = co_await entry->done.wait(deadline);
  if (!done || entry->error == ETIMEDOUT) co_return Error(ErrorCode::kTimeout, "timeout").with_context("standard output");
  if (entry->error != 0)
    co_return Error(ErrorCode::kUnavailable, "standard output: " + std::generic_category().message(entry->error));
  co_return Result<>();
}

bool LineQueue::take(uint64_t bytes) {
  uint64_t others = bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (others == 0 || others + bytes <= limits_.bytes.count) return true;
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

// On the thread.
void LineQueue::write_now(Entry& entry) {
  if (!writer_.write(entry.line, entry.deadline)) entry.error = errno;
  bytes_.fetch_sub(entry.line.size(), std::memory_order_relaxed);
}

}  // namespace fiso::sinks
