// The light engine keeps the engine contract, on this kernel and as on one without PAGEMAP_SCAN.
#include "wasm/light/testing/light_under_test.h"
#include "wasm/testing/engine_contract.h"

namespace fiso::wasm::testing {

FISO_ENGINE_CONTRACT(Light, light::testing::light_engine("Light"),
                     light::testing::light_engine("LightOldKernel", light::testing::without_pagemap_scan()));

}  // namespace fiso::wasm::testing
