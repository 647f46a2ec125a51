#include "observe/log.h"

#include "base/ascii.h"
#include "observe/json_line.h"
#include "observe/timestamp.h"

namespace fiso::observe {

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "DEBUG";
    case LogLevel::kInfo: return "INFO";
    case LogLevel::kWarn: return "WARN";
    case LogLevel::kError: return "ERROR";
    case LogLevel::kOff: break;
  }
  return "OFF";
}

LogLevel parse_log_level(std::string_view text) {
  std::string_view word = trim(text);
  if (iequals(word, "debug")) return LogLevel::kDebug;
  if (iequals(word, "warn") || iequals(word, "warning")) return LogLevel::kWarn;
  if (iequals(word, "error")) return LogLevel::kError;
  return LogLevel::kInfo;
}

Log::Log(LogSink& sink, LogLevel level, std::string_view component, const Clock& clock)
    : level_(level), sink_(&sink), clock_(&clock) {
  std::string bound;
  append_field(bound, {"component", component});
  bound_ = std::make_shared<const std::string>(std::move(bound));
}

Log Log::with(std::initializer_list<Field> fields) const {
  Log log = *this;
  if (sink_ == nullptr) return log;
  std::string bound = *bound_;
  for (const Field& field : fields) append_field(bound, field);
  log.bound_ = std::make_shared<const std::string>(std::move(bound));
  return log;
}

void Log::render(LogLevel level, std::string_view message, Fields fields, Fields more) const {
  thread_local std::string line;  // keeps its memory from line to line
  line = R"({"time":")";
  append_timestamp(line, clock_->wall_now());
  line.append(R"(","level":")").append(to_string(level)).append(R"(","msg":)");
  append_log_text(line, message);
  line += *bound_;
  for (const Field& field : fields) append_field(line, field);
  for (const Field& field : more) append_field(line, field);
  line += '}';
  sink_->write(line);
}

}  // namespace fiso::observe
