// `preopens` of a guest's configuration: `/guest: /host`, with `:ro` behind the host's path for read-only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "wasm/wasi/guest_config.h"

namespace fiso {

// A complaint for config::Rules, or nothing.
std::optional<std::string> bad_preopens(const std::map<std::string, std::string>& preopens);

std::vector<wasm::wasi::PreopenOptions> to_preopens(const std::map<std::string, std::string>& preopens);

}  // namespace fiso
