#include "program/run_options.h"

namespace fiso::program {
namespace {

using wasm::wasi::PreopenOptions;

Error bad_value(std::string_view option, const std::string& value, std::string_view expected) {
  return Error(ErrorCode::kInvalidConfig, std::string(option) + " " + value + ": " + std::string(expected));
}

Result<PreopenOptions> parse_directory(const std::string& text) {
  PreopenOptions preopen;
  std::string_view rest = text;
  if (rest.ends_with(":ro")) {
    rest.remove_suffix(3);
    preopen.access = wasm::wasi::Access::kReadOnly;
  }
  size_t separator = rest.find("::");
  preopen.host_path = rest.substr(0, separator);
  preopen.guest_path = separator == std::string_view::npos ? rest : rest.substr(separator + 2);
  if (preopen.host_path.empty() || preopen.guest_path.empty())
    return bad_value("--dir", text, "write HOST::GUEST, HOST::GUEST:ro, or HOST for the same path on both sides");
  return preopen;
}

Result<std::pair<std::string, std::string>> parse_variable(const std::string& text) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return bad_value("--env", text, "write NAME=VALUE");
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

template <class T>
Result<T> positive(std::string_view option, const std::string& text, Result<T> parsed, T least) {
  if (!parsed.has_value()) return bad_value(option, text, parsed.error().message());
  if (*parsed < least) return bad_value(option, text, "it must be more than 0");
  return parsed;
}

}  // namespace

Result<ModuleRun> parse_module_run(const RunTexts& texts) {
  ModuleRun run{.file = texts.file, .arguments = texts.arguments, .pooled = texts.pooled};
  for (const std::string& text : texts.directories) {
    FISO_TRY(PreopenOptions preopen, parse_directory(text));
    run.preopens.push_back(std::move(preopen));
  }
  for (const std::string& text : texts.env) {
    FISO_TRY(auto variable, parse_variable(text));
    run.env.push_back(std::move(variable));
  }
  FISO_TRY(run.limits.timeout, positive("--timeout", texts.timeout, parse_duration(texts.timeout), Duration(1)));
  FISO_TRY(run.limits.memory, positive("--memory-limit", texts.memory_limit, parse_bytes(texts.memory_limit), Bytes{1}));
  FISO_TRY(run.max_stack, parse_max_stack(texts.max_stack));
  return run;
}

Result<Bytes> parse_max_stack(const std::string& text) {
  auto stack = parse_bytes(text);
  if (!stack.has_value()) return bad_value("--max-stack", text, stack.error().message());
  if (*stack < wasm::kLeastStack || *stack > wasm::kMostStack)
    return bad_value("--max-stack", text,
                     "it must be between " + format_bytes(wasm::kLeastStack) + " and " + format_bytes(wasm::kMostStack));
  return stack;
}

}  // namespace fiso::program
