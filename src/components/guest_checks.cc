#include "components/guest_checks.h"

#include "components/guest_preopens.h"
#include "wasm/module_file.h"

namespace fiso {

void check_guest(const GuestClaims& claims, config::Report& report) {
  if (auto module = wasm::check_module_file(claims.module); !module.has_value())
    report.error("module", module.error().describe());
  check_preopens(claims.preopens, report);
}

void check_against_capacity(const GuestClaims& claims, const wasm::CapacityOptions& all, config::Report& report) {
  if (auto complaint = bad_pool_size(claims.pool_size, all.instances)) report.error("poolSize", *complaint);
  // Only what was written: the default, and what is left to the machine, are no opinions.
  if (report.has(claims.memory_key) && all.memory != Bytes() && claims.memory > all.memory)
    report.error(claims.memory_key, "{path} can never be reached: wasm.totalMemory is " + format_bytes(all.memory));
}

std::optional<std::string> bad_pool_size(int64_t pool_size, uint64_t instances) {
  if (static_cast<uint64_t>(pool_size) < instances) return std::nullopt;
  return "poolSize " + std::to_string(pool_size) + " leaves no instance for others: wasm.maxInstances is " +
         std::to_string(instances);
}

}  // namespace fiso
