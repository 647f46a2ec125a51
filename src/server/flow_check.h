// A directory of flows, checked as a start does it: read whole, and its modules compiled, into the cache. Opens no port, runs no
// guest. What `-check` and `fiso validate` do.
#pragma once

#include <string>

#include "server/flow_role.h"

namespace fiso::server {

// The error is all that is wrong, a line each. What is compiled is told on standard error.
Result<> check_flow_directory(const FlowRoleOptions& options, const core::Registry& registry, const ProgramEngines& engines,
                              const std::string& wasmer_host = "");

}  // namespace fiso::server
