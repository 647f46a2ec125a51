// A log site that a flood of events may pass: at most so many lines a second, the rest is counted.
//
// The next line that is written carries the number of those that were not, as `suppressed`. Threading: shard-local.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/clock.h"
#include "observe/log.h"

namespace fiso::observe {

class SampledLog {
 public:
  SampledLog(Log log, LogLevel level, uint32_t lines_per_second, const Clock& clock = Clock::system());

  void write(std::string_view message, std::initializer_list<Field> fields = {});

 private:
  bool admit();

  Log log_;
  LogLevel level_;
  uint32_t lines_per_second_;
  const Clock& clock_;
  MonotonicTime second_began_{};
  uint32_t lines_ = 0;
  uint64_t suppressed_ = 0;
};

}  // namespace fiso::observe
