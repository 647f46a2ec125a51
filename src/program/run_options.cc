#include "program/run_options.h"

#include <algorithm>

#include "components/guest_preopens.h"

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
  // A colon in the guest's path is what is left of a suffix that does not exist, or of HOST:GUEST.
  if (preopen.host_path.empty() || preopen.guest_path.empty() || preopen.guest_path.find(':') != std::string::npos)
    return bad_value("--dir", text, "write HOST::GUEST, HOST::GUEST:ro, or HOST for the same path on both sides");
  if (!preopen.guest_path.starts_with('/')) return preopen;
  auto plain = plain_guest_path(preopen.guest_path);
  if (!plain.has_value()) return bad_value("--dir", text, "the guest's path cannot have . or .. in it");
  preopen.guest_path = *plain;
  return preopen;
}

Result<std::pair<std::string, std::string>> parse_variable(const std::string& text) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return bad_value("--env", text, "write NAME=VALUE");
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

Result<Duration> parse_timeout(const std::string& text) {
  auto parsed = parse_duration(text);
  if (!parsed.has_value()) return bad_value("--timeout", text, parsed.error().message());
  if (*parsed == Duration(0)) return bad_value("--timeout", text, "it must be more than 0");
  return parsed;
}

Result<Bytes> parse_size(std::string_view option, const std::string& text, Bytes least, Bytes most) {
  auto size = parse_bytes(text);
  if (!size.has_value()) return bad_value(option, text, size.error().message());
  if (*size < least || *size > most)
    return bad_value(option, text, "it must be between " + format_bytes(least) + " and " + format_bytes(most));
  return size;
}

}  // namespace

Result<ModuleRun> parse_module_run(const RunTexts& texts) {
  ModuleRun run{.file = texts.file, .arguments = texts.arguments, .pooled = texts.pooled};
  for (const std::string& text : texts.directories) {
    FISO_TRY(PreopenOptions preopen, parse_directory(text));
    bool twice = std::ranges::any_of(run.preopens, [&](const auto& other) { return other.guest_path == preopen.guest_path; });
    if (twice) return bad_value("--dir", text, preopen.guest_path + " is there twice");
    run.preopens.push_back(std::move(preopen));
  }
  for (const std::string& text : texts.env) {
    FISO_TRY(auto variable, parse_variable(text));
    bool twice = std::ranges::any_of(run.env, [&](const auto& other) { return other.first == variable.first; });
    if (twice) return bad_value("--env", text, variable.first + " is there twice");
    run.env.push_back(std::move(variable));
  }
  FISO_TRY(run.limits.timeout, parse_timeout(texts.timeout));
  FISO_TRY(run.limits.memory, parse_size("--memory-limit", texts.memory_limit, wasm::kLeastMemoryLimit, wasm::kMostMemoryLimit));
  FISO_TRY(run.max_stack, parse_max_stack(texts.max_stack));
  return run;
}

Result<Bytes> parse_max_stack(const std::string& text) {
  return parse_size("--max-stack", text, wasm::kLeastStack, wasm::kMostStack);
}

}  // namespace fiso::program
