// Settings of the process, as opposed to those of a flow: the file fiso.yaml beside the flows. All of them have defaults,
// and the file may be missing. A reload reads it again: shutdownTimeout changes then, all others need a restart.
#pragma once

#include <string>
#include <string_view>

#include "components/guest_network.h"
#include "config/spec.h"
#include "net/http_server.h"
#include "wasm/capacity.h"
#include "wasm/compile_child.h"
#include "wasm/runtimes.h"

namespace fiso::server {

struct WasmSettings {
  int64_t max_instances = 512;
  int64_t instance_queue = 1000;
  Bytes total_memory;  // zero: half of what the process may use
  Bytes max_stack = 512_KiB;
  wasm::CompileLimits compile;
};

struct Settings {
  int64_t shards = 0;  // 0: as many as there are CPUs for this process
  Duration shutdown_timeout = std::chrono::seconds(25);
  GuestNetwork network;
  WasmSettings wasm;
  net::ServerLimits http;
};

// Their keys, as files of other kinds have them.
inline constexpr std::string_view kProcessKeys[] = {"shards", "shutdownTimeout", "network", "wasm", "http"};

// What a file of another kind says of the process, under the same names.
template <class File>
Settings settings_of(const File& file) {
  return {.shards = file.shards,
          .shutdown_timeout = file.shutdown_timeout,
          .network = file.network,
          .wasm = file.wasm,
          .http = file.http};
}

config::Spec<Settings> settings_spec();
config::Spec<WasmSettings> wasm_settings_spec();
config::Spec<net::ServerLimits> http_settings_spec();

// The defaults if there is no such file in the directory. What only a full engine heeds is refused where there is none.
Settings load_settings(const std::string& directory, const wasm::FullEngineSupport& full, config::Errors& errors);

}  // namespace fiso::server
