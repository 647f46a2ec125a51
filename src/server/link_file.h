// The link file: targets, and how the process that reaches them is set up.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/app_config.h"
#include "config/spec.h"
#include "link/interceptions.h"
#include "link/target_config.h"
#include "net/http_server.h"
#include "server/apps_file.h"
#include "server/settings.h"
#include "wasm/runtimes.h"

namespace fiso::server {

struct ListenTls {
  std::string cert_file, key_file;

  net::TlsServerOptions options() const { return {cert_file, key_file}; }
};

struct LinkFile {
  std::string listen_addr = "127.0.0.1:3500";
  std::optional<ListenTls> listen_tls;
  std::string metrics_addr = ":9090";
  std::vector<link::TargetConfig> targets;
  link::KafkaSection kafka;
  link::VaultConfig vault;  // without an address: none
  std::vector<std::string> allow_origins;
  std::vector<std::string> name_servers;  // in place of the system's
  int64_t shards = 0;
  Duration shutdown_timeout = std::chrono::seconds(25);
  net::ServerLimits http;
  GuestNetwork network;
  WasmSettings wasm;
  std::optional<AppsSection> wasmer;
  std::vector<link::InterceptorDrafts> interceptors;  // as read, by target
};

// The types of interceptors are those of the registry.
config::Spec<LinkFile> link_file_spec(const core::Registry& registry);

// What the command line says in place of the file.
struct LinkOverrides {
  std::string listen_addr, metrics_addr;  // empty: as the file says
};

// What the program that reads the file can do.
struct LinkAbilities {
  wasm::FullEngineSupport full;  // for what targets' interceptors may ask
  bool runs_apps = false;
  // The apps are described elsewhere; the file has none then.
  std::optional<std::vector<apps::AppConfig>> apps = {};
  std::string apps_place = "the file of FISO_WASMER_CONFIG";  // where that is
  // What the process has is said elsewhere; the file says nothing of it then.
  std::optional<Settings> process = {};
};

// All that is wrong with it at once, in the error's message. Opens the files that it names, and nothing else.
Result<LinkFile> load_link_file(const std::string& file, const LinkOverrides& overrides, const LinkAbilities& abilities);

}  // namespace fiso::server
