#include "components/interceptors/wasm/module_label.h"

#include <algorithm>

namespace fiso::interceptors {
namespace {

bool ends_in(const std::string& path, const std::string& label) { return path == label || path.ends_with("/" + label); }

}  // namespace

std::string module_label(const std::string& module, const std::vector<std::string>& others) {
  size_t slash = module.size();
  while (slash > 0 && (slash = module.rfind('/', slash - 1)) != std::string::npos) {
    std::string label = module.substr(slash + 1);
    auto shared = [&](const std::string& other) { return other != module && ends_in(other, label); };
    if (std::ranges::none_of(others, shared)) return label;
  }
  return module;
}

}  // namespace fiso::interceptors
