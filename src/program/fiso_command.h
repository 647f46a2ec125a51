// The `fiso` command: checks configurations, asks servers how they are, fills the module cache, runs one module by hand.
#pragma once

namespace fiso::program {

int fiso_command(int argc, char** argv);

}  // namespace fiso::program
