// `fiso module new` and `fiso module test`: a guest to begin with, and whether it answers as it must.
#pragma once

#include <optional>
#include <string>

#include "program/guest_templates.h"
#include "program/run_options.h"

namespace fiso::program {

struct NewGuest {
  std::string name;
  std::string language;
  GuestKind kind = GuestKind::kInterceptor;
};

// Writes the folder `name` and says on stdout what to do next. 1, and why on stderr, if it cannot; 2 for a name that is none.
int write_new_guest(const NewGuest& guest);

struct GuestTest {
  std::string path;               // a folder, a module, or a script in Python
  std::string cases;              // empty: `cases` beside it
  std::optional<GuestKind> kind;  // what every case must be; unset: what its input is
  std::string python;             // CPython for WASI; empty: FISO_PYTHON, or python.wasm beside the script
  ModuleRun run;                  // `file` is not read
};

// Each case runs in a fresh instance, as the light engine runs the guest in a server; a line for each on stdout. 0: all answer as
// they must; 1: some do not; 2: nothing was tested, and why on stderr.
int test_guest(const GuestTest& test);

}  // namespace fiso::program
