#include "components/builtin.h"

#include "components/interceptors/wasm/target_wasm.h"
#include "components/sinks/discard/discard_sink.h"
#include "components/sinks/http/http_sink.h"
#include "components/sinks/stdout/stdout_sink.h"
#include "components/sources/http/http_source.h"

namespace fiso {

void register_builtin(core::Registry& registry) {
  registry.add_source<sources::HttpSource>();
  registry.add_interceptor<interceptors::WasmInterceptor>();
  registry.add_sink<sinks::HttpSink>();
  registry.add_sink<sinks::StdoutSink>();
  registry.add_sink<sinks::DiscardSink>();
}

void register_target_interceptors(core::Registry& registry) { registry.add_interceptor<interceptors::TargetWasm>(); }

}  // namespace fiso
