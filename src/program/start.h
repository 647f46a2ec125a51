// What every program does first, whatever it serves.
#pragma once

#include <functional>

namespace fiso::program {

// Event loops and threads are made while a program starts, and libraries throw where there are none: that is told, and the
// exit code is 1. A process that was started to compile a module does that instead.
int start(int argc, char** argv, const std::function<int()>& main);

}  // namespace fiso::program
