// The sink of a running process: standard output, written by a thread of its own.
//
// A bounded queue lies between: when the reader of our output is too slow the oldest lines are dropped, counted, and
// reported by a line of the sink's own once it goes on. Thread-safe; destroyed after every Log that writes to it.
#pragma once

#include <cstdint>
#include <memory>

#include "observe/log.h"

namespace fiso::observe {

struct StdoutLogOptions {
  int fd = 1;  // borrowed
  size_t queue_lines = 512;
  Duration exit_grace = std::chrono::seconds(2);  // how long destruction may wait for a reader that does not read
};

class StdoutLog final : public LogSink {
 public:
  explicit StdoutLog(StdoutLogOptions options = {});
  ~StdoutLog() override;  // finishes
  StdoutLog(const StdoutLog&) = delete;

  void write(std::string_view line) override;
  // Writes what is queued, within the grace, and nothing any more.
  void finish();
  // Lines that were dropped so far; not after finish().
  uint64_t dropped() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fiso::observe
