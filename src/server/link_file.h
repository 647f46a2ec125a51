// The link file: targets, and how the process that reaches them is set up.
#pragma once

#include <string>
#include <vector>

#include "config/spec.h"
#include "link/target_config.h"
#include "net/http_server.h"

namespace fiso::server {

struct LinkFile {
  std::string listen_addr = "127.0.0.1:3500";
  std::string metrics_addr = ":9090";
  std::vector<link::TargetConfig> targets;
  link::VaultConfig vault;  // without an address: none
  std::vector<std::string> allow_origins;
  int64_t shards = 0;
  Duration shutdown_timeout = std::chrono::seconds(25);
  net::ServerLimits http;
};

config::Spec<LinkFile> link_file_spec();

// All that is wrong with it at once, in the error's message. Opens the files that it names, and nothing else.
Result<LinkFile> load_link_file(const std::string& file);

}  // namespace fiso::server
