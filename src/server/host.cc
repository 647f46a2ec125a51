#include "server/host.h"

#include <utility>

namespace fiso::server {

Host::Host(const Settings& in_force, observe::Metrics& all_metrics, observe::Log process_log, StopRequest stop_request,
           const ProgramEngines& engines, std::string wasmer_host)
    : settings(in_force),
      metrics(all_metrics),
      log(std::move(process_log)),
      stop(stop_request),
      parts(settings, metrics, log),
      network(settings.network),
      apps(parts.shards),
      local(parts.shards),
      engines_(engines),
      wasmer_host_(std::move(wasmer_host)) {
  resources_.add(parts.shards);
  resources_.add(parts.blocking);
  resources_.add(parts.capacity);
  resources_.add(network);
  resources_.add(apps);
  resources_.add(local);
  before_metrics([this, &instances = metrics.gauge("fiso_wasm_instances_in_use", "Guest instances in the process."),
                  &memory = metrics.gauge("fiso_wasm_memory_bytes", "Linear memory of all guest instances.")] {
    parts.commons.show();
    instances.set(static_cast<double>(parts.capacity.instances.in_use()));
    memory.set(static_cast<double>(parts.capacity.memory.in_use()));
  });
}

Result<wasm::Runtimes*> Host::runtimes() {
  if (runtimes_ == nullptr) {
    FISO_TRY(runtimes_,
             engines_.make({parts.shards, parts.blocking, parts.capacity, log, settings, stop, parts.meter, wasmer_host_}));
    resources_.add(*runtimes_);
    house_ = std::make_unique<apps::AppHouse>(app_parts());
    resources_.add(*house_);
  }
  return runtimes_.get();
}

// Once there are runtimes.
apps::AppParts Host::app_parts() {
  return {.shards = parts.shards,
          .blocking = parts.blocking,
          .runtimes = *runtimes_,
          .capacity = parts.capacity,
          .metrics = metrics,
          .log = log,
          .limits = settings.http,
          .commons = parts.commons,
          .network = network};
}

void Host::refresh_metrics() const {
  for (const auto& refresh : refreshes_) refresh();
}

}  // namespace fiso::server
