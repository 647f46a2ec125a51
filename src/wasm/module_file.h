// A module as a file: opening it, and telling early that it is none.
//
// The errors are the operator's to read and name the path.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/file_handle.h"
#include "base/result.h"

namespace fiso::wasm {

// "module path not accessible: PATH (why)" for what is no regular file or cannot be read. Never waits, whatever is there.
Result<FileHandle> open_module_file(const std::string& path);

// The first eight bytes: a core module of version 1.
Result<> check_module_header(const std::string& path, std::span<const uint8_t> bytes);

// Both, and nothing is kept open: what can be known without compiling.
Result<> check_module_file(const std::string& path);

// "module PATH cannot be used: why"
Error unusable_module(const std::string& path, std::string_view why);

}  // namespace fiso::wasm
