#include "wasm/worker/worker_module.h"

#include <utility>

#include "base/check.h"
#include "wasm/worker/worker_instance.h"
#include "wasm/worker/worker_resident.h"

namespace fiso::wasm::worker {

Result<std::shared_ptr<const Module>> WorkerModule::prepare(const std::shared_ptr<const GuestSetup>& setup) const {
  WorkerSetup worker{.kind = WorkerKind::kForkServer, .guest = setup, .stack = surroundings_.host.stack};
  FISO_TRY(auto server, ForkServer::start(surroundings_.host, surroundings_.blocking, std::move(worker), description_.artifact));
  return std::shared_ptr<const Module>(std::make_shared<WorkerModule>(surroundings_, description_, std::move(server)));
}

std::unique_ptr<Instance> WorkerModule::instantiate(async::Shard& shard, std::shared_ptr<const GuestSetup> setup) const {
  FISO_CHECK(server_ != nullptr && setup.get() == &server_->guest(), "instances are made from what prepare() gave");
  return std::make_unique<WorkerInstance>(shard, surroundings_.capacity, server_, description_.initial_memory);
}

Task<Result<std::unique_ptr<Resident>>> WorkerModule::start_resident(async::Shard& shard, std::shared_ptr<const GuestSetup> setup,
                                                                     ResidentEvents& events) const {
  WorkerResident::Parts parts{.host = surroundings_.host,
                              .blocking = surroundings_.blocking,
                              .capacity = surroundings_.capacity,
                              .artifact = description_.artifact,
                              .initial_memory = description_.initial_memory};
  return WorkerResident::start(shard, std::move(parts), std::move(setup), events);
}

}  // namespace fiso::wasm::worker
