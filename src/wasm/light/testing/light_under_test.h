// Light engines for tests. Their artifacts are kept beside the guests, so that only the first run of a build compiles them.
#pragma once

#include <sys/resource.h>

#include <memory>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/testing/sanitizer.h"
#include "wasm/light/light_engine.h"
#include "wasm/testing/engine_under_test.h"

namespace fiso::wasm::light::testing {

inline LightEngineOptions small_options() {
  LightEngineOptions options;
  options.config.slots = 64;
  options.cache_directory = wasm::testing::guests_folder() + "/artifacts";
  // What AddressSanitizer maps for itself counts, and is more than any limit.
  if (fiso::testing::kSanitized) options.compile.memory = Bytes{RLIM_INFINITY};
  return options;
}

inline std::unique_ptr<LightEngine> make_light(const wasm::testing::EngineHost& host,
                                               LightEngineOptions options = small_options()) {
  auto engine = LightEngine::make(host.shards, host.blocking, host.capacity, host.log, std::move(options));
  FISO_CHECK(engine.has_value(), engine.has_value() ? "" : engine.error().describe());
  return std::move(*engine);
}

inline wasm::testing::EngineUnderTest light_engine(std::string name, LightEngineOptions options = small_options()) {
  return {.name = std::move(name),
          .capabilities = {wasm::testing::Capability::kGuestCode, wasm::testing::Capability::kOwnWasi},
          .make = [options](const wasm::testing::EngineHost& host) { return make_light(host, options); },
          .server = "accept_server"};
}

// As on a kernel older than Linux 6.7.
inline LightEngineOptions without_pagemap_scan() {
  LightEngineOptions options = small_options();
  options.use_pagemap_scan = false;
  return options;
}

}  // namespace fiso::wasm::light::testing
