// A guest's stderr, cut into lines that are safe to log.
//
// A line is finished by a newline or by flush(). Its control characters, terminal escapes and whatever is not UTF-8 are
// written as \xNN, so the log can neither be broken into nor made unreadable. Long lines and too many lines are dropped, and
// the log says so. Shard-local.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/units.h"

namespace fiso::wasm::wasi {

// Whoever wants the lines. Called on the guest's shard, in the middle of a host call: it must not touch the guest.
class StderrSink {
 public:
  virtual ~StderrSink() = default;
  // One finished line without its newline, printable UTF-8; valid during the call.
  virtual void line(std::string_view text) = 0;
  // Beside them, from the engine itself: an attempt that the guest's network rules refused.
  virtual void denied([[maybe_unused]] std::string_view attempt) {}
};

// Passes lines on to whoever listens during the current start or run of an instance; drops them in between.
class StderrRelay final : public StderrSink {
 public:
  void line(std::string_view text) override {
    if (target != nullptr) target->line(text);
  }
  void denied(std::string_view attempt) override {
    if (target != nullptr) target->denied(attempt);
  }
  StderrSink* target = nullptr;
};

class StderrLines {
 public:
  // A null sink drops everything.
  StderrLines(StderrSink* sink, Bytes longest_line, uint32_t most_lines)
      : sink_(sink), longest_line_(longest_line.count), most_lines_(most_lines) {}

  void write(std::string_view text);
  // Finishes a line that has no newline yet.
  void flush();
  // A new run: the count of lines starts again.
  void restart() { lines_ = 0; }

 private:
  void append(std::string_view text);
  void finish_line();

  StderrSink* sink_;
  size_t longest_line_;
  uint32_t most_lines_;
  uint32_t lines_ = 0;
  std::string partial_;  // as the guest wrote it
  bool cut_ = false;     // something of the line was dropped
};

// Control characters (C0, DEL, C1) and bytes that are not UTF-8 become \xNN; a tab becomes \t, a backslash stays.
std::string escape_controls(std::string_view text);

}  // namespace fiso::wasm::wasi
