// `preopens` of a guest's configuration: `/guest: /host`, with `:ro` behind the host's path for read-only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/struct_spec.h"
#include "wasm/wasi/guest_config.h"

namespace fiso {

// A complaint for config::Rules, or nothing.
std::optional<std::string> bad_preopens(const std::map<std::string, std::string>& preopens);

// Directories that cannot be opened are errors, each at its key `preopens`. Nothing is kept open.
void check_preopens(const std::map<std::string, std::string>& preopens, config::Report& report);

std::vector<wasm::wasi::PreopenOptions> to_preopens(const std::map<std::string, std::string>& preopens);

}  // namespace fiso
