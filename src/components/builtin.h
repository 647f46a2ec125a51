// The components that come with Fiso.
#pragma once

#include "core/registry.h"

namespace fiso {

void register_builtin(core::Registry& registry);

// Those that targets of fiso-link may have.
void register_target_interceptors(core::Registry& registry);

}  // namespace fiso
