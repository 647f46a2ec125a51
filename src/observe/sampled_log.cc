#include "observe/sampled_log.h"

#include <utility>

namespace fiso::observe {

SampledLog::SampledLog(Log log, LogLevel level, uint32_t lines_per_second, const Clock& clock)
    : log_(std::move(log)), level_(level), lines_per_second_(lines_per_second), clock_(clock) {}

void SampledLog::write(std::string_view message, std::initializer_list<Field> fields) {
  if (!log_.enabled(level_)) return;
  if (!admit()) {
    ++suppressed_;
    return;
  }
  if (suppressed_ == 0) {
    log_.render(level_, message, fields, {});
    return;
  }
  Field suppressed("suppressed", std::exchange(suppressed_, 0));
  log_.render(level_, message, fields, {&suppressed, 1});
}

bool SampledLog::admit() {
  MonotonicTime now = clock_.now();
  if (now - second_began_ >= std::chrono::seconds(1)) {
    second_began_ = now;
    lines_ = 0;
  }
  if (lines_ >= lines_per_second_) return false;
  ++lines_;
  return true;
}

}  // namespace fiso::observe
