// `preopens` of a guest's configuration: `/guest: /host`, with `:ro` behind the host's path for read-only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/struct_spec.h"
#include "wasm/wasi/guest_config.h"

namespace fiso {

// An absolute path as guests resolve it, without the / that change nothing; nothing if it is relative or has . or .. in it.
std::optional<std::string> plain_guest_path(std::string_view path);

// A rule for config::Spec::check: entries that cannot be meant are errors, each at its key `preopens`.
void check_preopen_names(const std::map<std::string, std::string>& preopens, config::Report& report);

// Directories that cannot be opened are errors, each at its key `preopens`. Nothing is kept open.
void check_preopens(const std::map<std::string, std::string>& preopens, config::Report& report);

std::vector<wasm::wasi::PreopenOptions> to_preopens(const std::map<std::string, std::string>& preopens);

}  // namespace fiso
