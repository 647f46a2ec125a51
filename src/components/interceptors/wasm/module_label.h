// The `module` of metric series: as little of a module's path as tells it from the others of its flow.
#pragma once

#include <string>
#include <vector>

namespace fiso::interceptors {

// The file's name, with as many of the directories before it as none of `others` ends in: "m.wasm", else "mx/m.wasm".
// `others` may hold the module itself.
std::string module_label(const std::string& module, const std::vector<std::string>& others);

}  // namespace fiso::interceptors
