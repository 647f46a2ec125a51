#include <unistd.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/file_handle.h"
#include "config/document.h"
#include "config/file_text.h"
#include "flow/flow_loader.h"
#include "net/listen_socket.h"
#include "program/doctor.h"
#include "program/engines.h"
#include "server/aio_file.h"
#include "server/aio_parts.h"
#include "server/apps_file.h"
#include "server/apps_listen.h"
#include "server/command_line.h"
#include "server/flow_check.h"
#include "server/link_file.h"
#include "server/registries.h"

namespace fiso::program {
namespace {

constexpr char kMend[] = "mend it: nothing of it takes effect as it is";

// Of one configuration: addresses and whose they are. Flows share listeners.
using Ports = std::map<std::string, std::string>;

struct WantedPort {
  std::string address, owner;
};

std::string admin_address() {
  std::string address;
  server::fill_from_environment(address, "FISO_METRICS_ADDR", ":9090");
  return address;
}

void add_apps(const std::vector<apps::AppConfig>& apps, const std::string& listen, Ports& ports) {
  for (const apps::AppConfig& app : apps) {
    if (app.port != 0) ports.emplace(apps::host_of(app, listen) + ":" + std::to_string(app.port), "app " + app.name);
    for (int64_t port : app.more_ports())
      ports.emplace(apps::host_of(app, listen) + ":" + std::to_string(port), "app " + app.name);
  }
}

// Of a directory that reads well.
void add_flows(const std::string& directory, Ports& ports) {
  core::Registry registry;
  server::register_flow_components(registry);
  config::Errors errors;
  auto flows = flow::load_flows(directory, registry, errors);
  if (!flows.has_value()) return;
  for (const flow::FlowDraft& flow : *flows)
    if (auto address = flow.config.source.config.find("listenAddr"); address.has_value())
      ports.emplace(address->text(), "flow " + flow.config.name);
}

Result<> examine_flows(const DoctorOptions& options, Ports& ports) {
  core::Registry registry;
  server::register_flow_components(registry);
  ports.emplace(admin_address(), "the admin port");
  FISO_TRY_OK(server::check_flow_directory({.config_dir = options.config_dir, .admin_address = admin_address()}, registry,
                                           all_engines(), options.wasmer_host));
  add_flows(options.config_dir, ports);
  return {};
}

Result<> examine_apps(const std::string& file, Ports& ports) {
  FISO_TRY(std::string listen, server::apps_listen_address());
  FISO_TRY(server::AppsFile read, server::load_apps_file(file));
  add_apps(read.apps, listen, ports);
  return {};
}

void add_link(const server::LinkFile& link, Ports& ports) { ports.emplace(link.listen_addr, "the link"); }

// As fiso-wasmer-link reads it, whose apps may be described elsewhere.
Result<> examine_link(const std::string& file, Ports& ports) {
  FISO_TRY(std::string listen, server::apps_listen_address());
  server::LinkAbilities abilities{.full = all_engines().full, .runs_apps = true};
  std::string apps_file;
  server::fill_from_environment(apps_file, "FISO_WASMER_CONFIG", "");
  if (!apps_file.empty()) {
    FISO_TRY(server::AppsFile apps, server::load_apps_file(apps_file, server::AppsFileOf::kPart));
    add_apps(apps.apps, listen, ports);
    abilities.apps = std::move(apps.apps);
  }
  FISO_TRY(server::LinkFile read, server::load_link_file(file, {}, abilities));
  add_link(read, ports);
  ports.emplace(read.metrics_addr, "the admin port");
  if (read.wasmer.has_value()) add_apps(read.wasmer->apps, listen, ports);
  return {};
}

Result<> examine_aio(const std::string& file, Ports& ports) {
  server::AioOverrides overrides;
  server::fill_from_environment(overrides.config_dir, "FISO_CONFIG_DIR", "");
  server::fill_from_environment(overrides.link_config, "FISO_LINK_CONFIG", "");
  server::fill_from_environment(overrides.metrics_addr, "FISO_METRICS_ADDR", "");
  FISO_TRY(overrides.apps_listen, server::apps_listen_address());
  FISO_TRY(server::AioFile read, server::load_aio_file(file, overrides));
  server::ProgramEngines engines = all_engines();
  FISO_TRY_OK(server::AioParts(file, overrides, read, engines).check());
  ports.emplace(read.flow.metrics_addr, "the admin port");
  add_flows(read.flow.config_dir, ports);
  add_apps(read.wasmer.apps, overrides.apps_listen, ports);
  if (read.link.config_path.empty()) return {};
  server::LinkAbilities abilities{
      .full = engines.full, .runs_apps = true, .apps = read.wasmer.apps, .process = server::settings_of(read)};
  FISO_TRY(server::LinkFile link,
           server::load_link_file(read.link.config_path,
                                  {.listen_addr = read.link.listen_addr, .metrics_addr = read.flow.metrics_addr}, abilities));
  add_link(link, ports);
  return {};
}

// What a file describes is told by its keys: those of files of one kind are unknown to the others.
Result<> examine_file(const std::string& file, Ports& ports) {
  auto text = config::read_file_text(file);
  if (!text.has_value()) return Error(ErrorCode::kInvalidConfig, text.error().message());
  config::Errors errors;
  auto document = config::Document::parse(*text, file, errors);
  if (!document.has_value()) return Error(ErrorCode::kInvalidConfig, errors.render());
  auto has = [&](std::string_view key) { return document->root().find(key).has_value(); };
  if (has("targets")) return examine_link(file, ports);
  if (has("apps")) return examine_apps(file, ports);
  if (has("flow") || has("link") || has("wasmer")) return examine_aio(file, ports);
  if (has("source") || has("sink")) return Error(ErrorCode::kInvalidConfig, "this is a flow: name its directory by --config-dir");
  return Error(ErrorCode::kInvalidConfig,
               "it has neither targets (fiso-link), nor apps (fiso-wasmer), nor any of flow, link and wasmer (fiso-wasmer-aio)");
}

void tell(const std::string& name, const Result<>& examined, Findings& findings) {
  if (examined.has_value())
    findings.add(Verdict::kOk, "configuration", name);
  else
    findings.add(Verdict::kFail, "configuration", name + ": " + examined.error().describe(), kMend);
}

struct HeldPort {
  int fd = -1;
  uint16_t port = 0;
  std::string owner;
};

std::string cure_of(const std::string& why, const std::string& address, const std::vector<HeldPort>& held) {
  if (why.ends_with("permission denied")) return "ports below 1024 need CAP_NET_BIND_SERVICE";
  if (!why.ends_with("already in use")) return "take an address of this machine";
  for (const HeldPort& other : held)
    if (address.ends_with(":" + std::to_string(other.port)))
      return "that is wanted by " + other.owner + " too: give one of them another";
  return "stop what has it (ss -ltnp shows it), or take another port";
}

// All of them at once, so that what two configurations want is told.
void examine_ports(const std::vector<WantedPort>& ports, Findings& findings) {
  std::vector<HeldPort> held;
  for (const WantedPort& wanted : ports) {
    auto opened = net::open_listen_socket(wanted.address);
    if (opened.has_value()) {
      held.push_back({opened->fd, opened->port, wanted.owner});
      findings.add(Verdict::kOk, "port", wanted.address + " (" + wanted.owner + ")");
      continue;
    }
    const std::string& why = opened.error().message();
    findings.add(Verdict::kFail, "port", why + " (" + wanted.owner + ")", cure_of(why, wanted.address, held));
  }
  for (const HeldPort& port : held) ::close(port.fd);
}

}  // namespace

void examine_configuration(const DoctorOptions& options, Findings& findings) {
  std::vector<WantedPort> wanted;
  bool several = options.configs.size() + (options.config_dir.empty() ? 0 : 1) > 1;
  auto want = [&](const Ports& ports, const std::string& name) {
    for (const auto& [address, owner] : ports) wanted.push_back({address, several ? owner + " of " + name : owner});
  };
  if (options.config_dir.empty() && options.configs.empty()) {
    findings.add(Verdict::kOk, "configuration", "none was named (--config-dir, --config)");
    want({{admin_address(), "the admin port, by default"}, {server::LinkFile().listen_addr, "fiso-link, by default"}}, "");
  }
  if (!options.config_dir.empty()) {
    Ports ports;
    tell(options.config_dir, examine_flows(options, ports), findings);
    want(ports, options.config_dir);
  }
  for (const std::string& file : options.configs) {
    Ports ports;
    tell(file, examine_file(file, ports), findings);
    want(ports, file);
  }
  examine_ports(wanted, findings);
}

}  // namespace fiso::program
