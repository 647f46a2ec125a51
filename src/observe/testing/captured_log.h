// Keeps log lines for tests to look at, synchronously. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "base/guarded.h"
#include "observe/log.h"

namespace fiso::testing {

class CapturedLog final : public observe::LogSink {
 public:
  void write(std::string_view line) override {
    lines_.with([&](auto& lines) { lines.emplace_back(line); });
  }

  observe::Log log(observe::LogLevel level = observe::LogLevel::kDebug, std::string_view component = "test",
                   const Clock& clock = Clock::system()) {
    return {*this, level, component, clock};
  }

  std::vector<std::string> lines() const {
    return lines_.with([](auto& lines) { return lines; });
  }
  size_t count() const { return lines().size(); }
  void clear() {
    lines_.with([](auto& lines) { lines.clear(); });
  }

  // How many lines hold that text.
  size_t count(std::string_view text) const {
    size_t found = 0;
    for (const std::string& line : lines())
      if (line.find(text) != std::string::npos) ++found;
    return found;
  }
  bool contains(std::string_view text) const { return count(text) > 0; }

 private:
  mutable Guarded<std::vector<std::string>> lines_;
};

}  // namespace fiso::testing
