// WebAssembly binaries for tests, for what no compiler would write: https://webassembly.github.io/spec/core/binary
//
// A module here imports fd_read (function 0) and fd_write (function 1), exports its memory, and its _start is given as bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fiso::wasm::testing {

// LEB128, unsigned and signed.
inline std::string leb(uint64_t value) {
  std::string bytes;
  do {
    auto low = static_cast<char>(value & 0x7f);
    value >>= 7;
    bytes += value != 0 ? static_cast<char>(low | 0x80) : low;
  } while (value != 0);
  return bytes;
}
inline std::string signed_leb(int64_t value) {
  std::string bytes;
  for (;;) {
    auto low = static_cast<char>(value & 0x7f);
    value >>= 7;
    if ((value == 0 && (low & 0x40) == 0) || (value == -1 && (low & 0x40) != 0)) return bytes + low;
    bytes += static_cast<char>(low | 0x80);
  }
}

namespace code {

using namespace std::string_literals;

inline const std::string kDrop = "\x1a";
inline const std::string kUnreachable = "\0"s;
inline const std::string kEqual = "\x46";
inline const std::string kStore = "\x36\x02\0"s;
inline const std::string kGrow = "\x40\0"s;  // memory.grow
inline const std::string kEnd = "\x0b";

inline std::string number(int32_t value) { return "\x41" + signed_leb(value); }
inline std::string call(uint32_t function) { return "\x10" + leb(function); }
inline std::string when(const std::string& body) { return "\x04\x40" + body + kEnd; }

}  // namespace code

// `functions` is how often _start's code stands in the module: as _start, and as functions that nobody calls.
inline std::string command_module(uint32_t memory_pages, const std::string& start, uint32_t functions = 1) {
  auto section = [](char id, const std::string& content) { return id + leb(content.size()) + content; };
  auto text = [](std::string_view name) { return leb(name.size()) + std::string(name); };
  auto imported = [&](std::string_view name) { return text("wasi_snapshot_preview1") + text(name) + std::string("\0\1", 2); };
  std::string body = std::string(1, '\0') + start + code::kEnd;  // no locals
  std::string types = leb(functions), bodies = leb(functions);
  for (uint32_t i = 0; i < functions; ++i) {
    types += '\0';
    bodies += leb(body.size()) + body;
  }
  std::string module("\0asm\1\0\0\0", 8);
  module += section(1, std::string("\x02\x60\0\0\x60\x04\x7f\x7f\x7f\x7f\x01\x7f", 12));  // () -> (), (i32 x 4) -> i32
  module += section(2, leb(2) + imported("fd_read") + imported("fd_write"));
  module += section(3, types);
  module += section(5, std::string("\1\0", 2) + leb(memory_pages));
  module += section(7, leb(2) + text("memory") + std::string("\2\0", 2) + text("_start") + std::string("\0\2", 2));
  module += section(10, bodies);
  return module;
}

}  // namespace fiso::wasm::testing
