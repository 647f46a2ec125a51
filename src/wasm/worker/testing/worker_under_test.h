// Full engines for tests, with the worker program of the same build. Artifacts are kept beside the guests.
#pragma once

#include <memory>

#include "base/check.h"
#include "wasm/testing/engine_under_test.h"
#include "wasm/worker/worker_engine.h"

namespace fiso::wasm::worker::testing {

inline std::unique_ptr<WorkerEngine> make_worker_with_stack(const wasm::testing::EngineHost& host, Bytes stack) {
  auto engine = WorkerEngine::make(host.blocking, host.capacity, host.log,
                                   {.program = wasm::testing::guests_folder() + "/../native/wasmer-host/fiso-wasmer-host",
                                    .stack = stack,
                                    .cache_directory = wasm::testing::guests_folder() + "/artifacts"});
  FISO_CHECK(engine.has_value(), engine.has_value() ? "" : engine.error().describe());
  return std::move(*engine);
}

inline std::unique_ptr<WorkerEngine> make_worker(const wasm::testing::EngineHost& host) {
  return make_worker_with_stack(host, WorkerEngineOptions().stack);
}

inline wasm::testing::EngineUnderTest worker_engine() {
  return {
      .name = "Wasmer", .capabilities = {wasm::testing::Capability::kGuestCode}, .make = make_worker, .server = "counter_server"};
}

}  // namespace fiso::wasm::worker::testing
