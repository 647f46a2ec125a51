// The full engine keeps the contract of engines.
#include "wasm/testing/engine_contract.h"
#include "wasm/worker/testing/worker_under_test.h"

namespace fiso::wasm::testing {

FISO_ENGINE_CONTRACT(Worker, worker::testing::worker_engine());

}  // namespace fiso::wasm::testing
