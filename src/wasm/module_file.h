// A module's file, looked at as far as that goes without compiling it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/file_handle.h"
#include "base/result.h"
#include "base/units.h"

namespace fiso::wasm {

// "module PATH cannot be used: WHY".
Error unusable_module(const std::string& path, std::string_view why);

class ModuleFile {
 public:
  // Checks that it is a readable file and a WebAssembly core module by its header. Never waits for a FIFO.
  // kNotFound "module path not accessible: PATH (WHY)", or unusable_module().
  static Result<ModuleFile> open(const std::string& path);

  std::span<const uint8_t> bytes() const { return mapped_.bytes(); }
  // True if the text `--stdin-file` occurs in it.
  bool knows_stdin_file() const;

 private:
  explicit ModuleFile(MappedFile mapped) : mapped_(std::move(mapped)) {}
  MappedFile mapped_;
};

// What can be known without compiling; nothing is kept open.
Result<> check_module_file(const std::string& path);

}  // namespace fiso::wasm
