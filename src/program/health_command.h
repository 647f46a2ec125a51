// `fiso health`: asks a server's admin port how it is, for those who start containers and for scripts.
#pragma once

#include <string>

namespace fiso::program {

enum class Asked { kAlive, kReady };  // GET /healthz, GET /readyz

// 0 if the admin port at `address` (HOST:PORT, or :PORT of this machine) answers 200 within three seconds; else 1, and why on
// stderr. Blocks.
int ask_health(const std::string& address, Asked asked);

}  // namespace fiso::program
