// Asks another program something: `go version`.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace fiso::program {

// What it prints on stdout, up to 64 KiB. It is looked for in PATH, its stdin is empty, and it is killed when its time is over.
// The error is kNotFound if there is no such program, else what it said on stderr last, or how it ended. Blocks.
Result<std::string> ask_tool(std::vector<std::string> command, Duration patience);

}  // namespace fiso::program
