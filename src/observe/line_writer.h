// Writes lines to a descriptor whose reader may stop reading, without ever being stuck in write(2) for good.
//
// A pipe that poll(2) calls writable takes PIPE_BUF bytes at once, so lines go out in pieces of at most that, and between
// the pieces the writer can be told to give up. Lines of several writers never mix, since log and events share standard
// output: one line at a time is written in the process. One thread writes; give_up_at() may come from another.
#pragma once

#include <atomic>
#include <string_view>

#include "base/check.h"
#include "base/clock.h"

namespace fiso::observe {

class LineWriter {
 public:
  explicit LineWriter(int fd) : fd_(fd) { FISO_CHECK(fd >= 0, "poll(2) would wait for a negative descriptor for ever"); }

  // Adds the newline. False with errno set if the line was not written whole: the descriptor is broken, or with ETIMEDOUT
  // because time was up. A line that has not begun by `begin_before` is not written at all.
  bool write(std::string_view line, MonotonicTime begin_before = kNever);
  // From then on nothing waits for the reader any more.
  void give_up_at(MonotonicTime deadline) { deadline_.store(deadline, std::memory_order_relaxed); }

 private:
  bool wait_writable(MonotonicTime until) const;
  bool write_piece(std::string_view& rest);

  int fd_;
  std::atomic<MonotonicTime> deadline_{kNever};
};

}  // namespace fiso::observe
