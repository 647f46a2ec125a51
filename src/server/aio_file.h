// The file of fiso-wasmer-aio: where flows and targets are described, the apps, and what the process has.
#pragma once

#include <string>

#include "server/apps_file.h"
#include "server/settings.h"

namespace fiso::server {

struct AioFile {
  struct Flow {
    std::string config_dir = "/etc/fiso/flows";
    std::string metrics_addr = ":9090";
  };
  struct Link {
    std::string config_path;  // empty: there is no link
    std::string listen_addr;  // empty: as the link file says
  };
  Flow flow;
  Link link;
  AppsSection wasmer;
  int64_t shards = 0;
  Duration shutdown_timeout = std::chrono::seconds(25);
  GuestNetwork network;
  WasmSettings wasm;
  net::ServerLimits http;
};

config::Spec<AioFile> aio_file_spec();

// What the environment says in place of the file; empty: as the file says.
struct AioOverrides {
  std::string config_dir, link_config, metrics_addr;
  std::string apps_listen = "127.0.0.1";
};

// All that is wrong with this file, not with those that it names, in the error's message.
Result<AioFile> load_aio_file(const std::string& file, const AioOverrides& overrides);

}  // namespace fiso::server
