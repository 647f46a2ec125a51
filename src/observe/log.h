// Logs: one JSON object per line.
//
// {"time":"2024-05-01T12:00:00.000000000Z","level":"INFO","msg":"event delivered","component":"fiso-flow","flow":"orders"}
// Lines are rendered by the caller and handed to a LogSink; a line whose level is off costs one comparison. Keys come in the
// order component, bound fields, fields of the call, and are not checked for repetition. Invalid UTF-8 becomes U+FFFD,
// control characters are escaped, and text beyond kMaxLogText bytes is cut, so no input can forge a line or flood one.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"

namespace fiso::observe {

inline constexpr size_t kMaxLogText = 16 * 1024;

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError, kOff };

std::string_view to_string(LogLevel level);
// "debug", "info", "warn" or "warning", "error", in any case and with white space around it; anything else is info.
LogLevel parse_log_level(std::string_view text);

// A key and a value, borrowed until the call it is passed to returns.
class Field {
 public:
  using Value = std::variant<std::string_view, int64_t, uint64_t, double, bool>;

  template <std::convertible_to<std::string_view> Text>
  Field(std::string_view key, const Text& value) : key_(key), value_(std::string_view(value)) {}
  Field(std::string_view key, std::same_as<bool> auto value) : key_(key), value_(value) {}
  template <std::integral Number>
    requires(!std::same_as<Number, bool>)
  Field(std::string_view key, Number value) : key_(key), value_(to_value(value)) {}
  Field(std::string_view key, std::floating_point auto value) : key_(key), value_(static_cast<double>(value)) {}

  std::string_view key() const { return key_; }
  const Value& value() const { return value_; }

 private:
  static Value to_value(std::signed_integral auto number) { return static_cast<int64_t>(number); }
  static Value to_value(std::unsigned_integral auto number) { return static_cast<uint64_t>(number); }

  std::string_view key_;
  Value value_;
};

using Fields = std::span<const Field>;

// Where lines go. Thread-safe.
class LogSink {
 public:
  virtual ~LogSink() = default;
  // One line without its newline. Returns at once, whatever the output does.
  virtual void write(std::string_view line) = 0;
};

// A handle: cheap to copy and to pass by value. Borrows its sink and clock. Thread-safe.
class Log {
 public:
  // Writes nothing.
  Log() = default;
  Log(LogSink& sink, LogLevel level, std::string_view component, const Clock& clock = Clock::system());

  // The same log with fields that every line will carry.
  Log with(std::initializer_list<Field> fields) const;

  bool enabled(LogLevel level) const { return level >= level_; }

  void debug(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(LogLevel::kDebug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<Field> fields = {}) const { write(LogLevel::kInfo, message, fields); }
  void warn(std::string_view message, std::initializer_list<Field> fields = {}) const { write(LogLevel::kWarn, message, fields); }
  void error(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(LogLevel::kError, message, fields);
  }

  // For a level or a list of fields that is only known at run time.
  void write(LogLevel level, std::string_view message, Fields fields) const {
    if (enabled(level)) render(level, message, fields, {});
  }

 private:
  friend class SampledLog;
  void render(LogLevel level, std::string_view message, Fields fields, Fields more) const;

  LogLevel level_ = LogLevel::kOff;
  LogSink* sink_ = nullptr;
  const Clock* clock_ = nullptr;
  std::shared_ptr<const std::string> bound_;  // ,"component":"x","flow":"y"
};

}  // namespace fiso::observe
