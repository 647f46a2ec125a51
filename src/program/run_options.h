// What `fiso module run` is told on its command line, as values.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "wasm/run.h"
#include "wasm/wasi/guest_config.h"

namespace fiso::program {

// As it was typed.
struct RunTexts {
  std::string file;
  std::vector<std::string> directories;  // HOST::GUEST, HOST::GUEST:ro, or HOST for the same path on both sides
  std::vector<std::string> env;          // NAME=VALUE
  std::vector<std::string> arguments;
  std::string timeout = "30s";
  std::string memory_limit = "256MiB";
  std::string max_stack = "512KiB";
  bool pooled = false;
};

struct ModuleRun {
  std::string file;
  std::vector<wasm::wasi::PreopenOptions> preopens;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::string> arguments;
  wasm::Limits limits;
  Bytes max_stack;
  bool pooled = false;
};

// The error names the option, its value and what was expected. Nothing is opened.
Result<ModuleRun> parse_module_run(const RunTexts& texts);
Result<Bytes> parse_max_stack(const std::string& text);

}  // namespace fiso::program
