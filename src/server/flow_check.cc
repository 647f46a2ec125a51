#include "server/flow_check.h"

#include <vector>

#include "server/compile_check.h"

namespace fiso::server {

Result<> check_flow_directory(const FlowRoleOptions& options, const core::Registry& registry, const ProgramEngines& engines,
                              const std::string& wasmer_host) {
  config::Errors errors;
  FISO_TRY(FlowReading reading, read_flows(options, registry, engines.full, errors));
  std::vector<core::Compile> all;
  add_compiles(reading.flows, all);
  return compile_for_check(all, reading.settings, engines, wasmer_host);
}

}  // namespace fiso::server
