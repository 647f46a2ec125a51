// What `fiso module test` is to test: the guest, and its cases beside it.
//
// A case is two files of JSON in the folder `cases`: NAME.input.json is what the guest reads, NAME.expected.json what it must
// answer. Errors are kInvalidInput and the user's to read; nothing but these files is opened.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "program/guest_templates.h"

namespace fiso::program {

struct TestedGuest {
  std::string module;  // *.wasm; empty for a script
  std::string script;  // *.py, which CPython for WASI runs
  std::string folder;  // that of either
};

// The module or script at `path`; in a folder the only one there, or the module of the folder's name. CPython itself
// (python.wasm) beside a script is not taken for the guest.
Result<TestedGuest> find_tested_guest(const std::string& path);

struct GuestCase {
  std::string name;
  std::string input;     // one line of JSON
  std::string expected;  // JSON
  GuestKind kind;        // told by the members of the input
  bool operator==(const GuestCase&) const = default;
};

// By name. None at all, one half of a case without the other, and what is not JSON are errors that name the file.
Result<std::vector<GuestCase>> read_cases(const std::string& folder);

}  // namespace fiso::program
