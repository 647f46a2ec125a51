#include "server/registries.h"

#include "apps/app_interceptor.h"
#include "components/builtin.h"

namespace fiso::server {

void register_flow_components(core::Registry& registry) {
  register_builtin(registry);
  registry.add_interceptor<apps::AppInterceptor>();
}

void register_target_components(core::Registry& registry) {
  register_target_interceptors(registry);
  registry.add_interceptor<apps::TargetApp>();
}

}  // namespace fiso::server
