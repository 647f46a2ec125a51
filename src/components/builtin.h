// The components that come with Fiso.
#pragma once

#include "core/registry.h"

namespace fiso {

void register_builtin(core::Registry& registry);

}  // namespace fiso
