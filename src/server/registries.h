// The components that configurations may name: those of flows, and those of targets.
#pragma once

#include "core/registry.h"

namespace fiso::server {

void register_flow_components(core::Registry& registry);
void register_target_components(core::Registry& registry);

}  // namespace fiso::server
