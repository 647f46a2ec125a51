// The fake engine keeps that part of the contract which it is there for.
#include "wasm/testing/fake_engine.h"

#include "wasm/testing/engine_contract_basics.h"

namespace fiso::wasm::testing {

EngineUnderTest fake_engine() {
  return {.name = "Fake", .capabilities = {}, .make = [](const EngineHost&) { return std::make_unique<FakeEngine>(); }};
}

INSTANTIATE_TEST_SUITE_P(Fake, EngineBasics, ::testing::Values(fake_engine()), name_of_engine);

}  // namespace fiso::wasm::testing
