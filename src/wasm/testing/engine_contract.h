// What every engine must keep, as one parametrised suite: include this in one *_test.cc and instantiate it with the engines.
//
//   FISO_ENGINE_CONTRACT(Light, light_engine(), ...)
//
// The guests are those of guests/, found through the environment variable FISO_GUESTS. A test that needs a capability the
// engine does not declare is skipped, visibly.
#pragma once

#include "wasm/testing/engine_contract_basics.h"
#include "wasm/testing/engine_contract_files.h"
#include "wasm/testing/engine_contract_host.h"
#include "wasm/testing/engine_contract_hostile.h"
#include "wasm/testing/engine_contract_modules.h"
#include "wasm/testing/engine_contract_residents.h"

#define FISO_ENGINE_CONTRACT(prefix, ...)                                                                             \
  INSTANTIATE_TEST_SUITE_P(prefix, EngineBasics, ::testing::Values(__VA_ARGS__), name_of_engine);                     \
  INSTANTIATE_TEST_SUITE_P(prefix, EngineModules, ::testing::Values(__VA_ARGS__), name_of_engine);                    \
  INSTANTIATE_TEST_SUITE_P(prefix, EngineHostCalls, ::testing::Values(__VA_ARGS__), name_of_engine);                  \
  INSTANTIATE_TEST_SUITE_P(prefix, EngineFiles, ::testing::Values(__VA_ARGS__), name_of_engine);                      \
  INSTANTIATE_TEST_SUITE_P(prefix, Residents, ::testing::Values(__VA_ARGS__), name_of_engine);                        \
  INSTANTIATE_TEST_SUITE_P(prefix, BlockedFiles, ::testing::Values(__VA_ARGS__), name_of_engine);                     \
  INSTANTIATE_TEST_SUITE_P(prefix, HostileGuests,                                                                     \
                           ::testing::Combine(::testing::Values(__VA_ARGS__), ::testing::ValuesIn(hostile_guests())), \
                           name_of_hostile)
