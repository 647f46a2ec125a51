// What is wrong with a guest's configuration although it reads well: a module or a directory that cannot be used, a pool or a
// memory for which the limits of all guests leave no room. The same for interceptors and apps. Opens files, keeps none open.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"
#include "config/struct_spec.h"
#include "wasm/capacity.h"

namespace fiso {

// What a configuration asks for; each is reported at its key: `module`, `preopens`, `poolSize`, and memory_key.
struct GuestClaims {
  const std::string& module;
  const std::map<std::string, std::string>& preopens;
  int64_t pool_size = 0;  // 0: none stands ready
  Bytes memory;
  std::string_view memory_key;
};

void check_guest(const GuestClaims& claims, config::Report& report);
void check_against_capacity(const GuestClaims& claims, const wasm::CapacityOptions& all, config::Report& report);

// A complaint where a pool would take all the instances that there may be.
std::optional<std::string> bad_pool_size(int64_t pool_size, uint64_t instances);

}  // namespace fiso
