// The `fiso` command: checks configurations, fills the module cache, runs one module by hand.
#pragma once

namespace fiso::program {

int fiso_command(int argc, char** argv);

}  // namespace fiso::program
