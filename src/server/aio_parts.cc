#include "server/aio_parts.h"

#include <utility>

#include "server/compile_check.h"
#include "server/registries.h"

namespace fiso::server {
namespace {

AppsFile apps_of(const AioFile& file) {
  return {.apps = file.wasmer.apps,
          .default_port_range = file.wasmer.default_port_range,
          .shards = file.shards,
          .shutdown_timeout = file.shutdown_timeout,
          .network = file.network,
          .wasm = file.wasm,
          .http = file.http};
}

void append(std::string& problems, const Error& error) { problems += (problems.empty() ? "" : "\n") + error.describe(); }

}  // namespace

AioParts::AioParts(std::string path, AioOverrides overrides, AioFile file, const ProgramEngines& engines)
    : path_(std::move(path)), overrides_(std::move(overrides)), file_(std::move(file)), engines_(engines) {
  register_flow_components(registry_);
}

std::vector<Role*> AioParts::roles() {
  std::vector<Role*> roles{&apps_.emplace(app_options())};
  if (has_link()) roles.push_back(&link_.emplace(link_options()));
  roles.push_back(&flows_.emplace(flow_options(), registry_, engines_.full));
  return roles;
}

Result<> AioParts::check() const {
  std::string problems;
  std::optional<Result<LinkFile>> link;
  if (has_link()) link = read_link();
  if (link.has_value() && !link->has_value()) append(problems, link->error());
  bool is_known = !link.has_value() || link->has_value();
  FlowRoleOptions options = flows_of(link.has_value() && is_known ? &**link : nullptr, is_known);
  config::Errors errors;
  if (auto flows = read_flows(options, registry_, engines_.full, errors); !flows.has_value()) append(problems, flows.error());
  if (problems.empty()) return {};
  return Error(ErrorCode::kInvalidConfig, std::move(problems));
}

FlowRoleOptions AioParts::flows_of(const LinkFile* link, bool link_is_known) const {
  auto around = [this, link, link_is_known] {
    FlowSurroundings surroundings = around_flows(file_.wasmer.apps, link);
    surroundings.names.all_known = link_is_known;
    return surroundings;
  };
  return {.config_dir = file_.flow.config_dir, .admin_address = file_.flow.metrics_addr, .surroundings = around};
}

Result<> AioParts::compile(const std::string& wasmer_host) const {
  LinkFile link;
  if (has_link()) {
    FISO_TRY(link, read_link());
  }
  config::Errors errors;
  FISO_TRY(FlowReading flows, read_flows(flows_of(has_link() ? &link : nullptr, true), registry_, engines_.full, errors));
  std::vector<core::Compile> all;
  add_compiles(flows.flows, all);
  for (size_t i = 0; i < link.targets.size(); ++i) add_compiles(link.targets[i].name, link.interceptors[i], all);
  add_compiles(file_.wasmer.apps, false, all);
  return compile_for_check(all, settings_of(file_), engines_, wasmer_host);
}

AppRoleOptions AioParts::app_options() {
  AppRoleOptions options{.read = [this] { return read_apps(); },
                         .file = path_,
                         .logs_starts = true,
                         .when_starting = "start wasmer app",
                         .restart_needed = [this] { return restart_needed_; }};
  options.listen_addr = overrides_.apps_listen;
  return options;
}

LinkRoleOptions AioParts::link_options() {
  return {.read = [this] { return read_link(); }, .file = file_.link.config_path, .apps = &*apps_, .speaks_of_process = false};
}

// Whatever is around flows may change together with them: they come last.
FlowRoleOptions AioParts::flow_options() {
  return {.config_dir = file_.flow.config_dir,
          .admin_address = file_.flow.metrics_addr,
          .surroundings = [this] { return around_flows(apps_->in_force(), link_.has_value() ? &link_->file() : nullptr); },
          .surroundings_change = [this] { return apps_->changing() || (link_.has_value() && link_->reload_is_due()); }};
}

Result<AppsFile> AioParts::read_apps() {
  FISO_TRY(AioFile read, load_aio_file(path_, overrides_));
  restart_needed_ = aio_file_spec().changed(file_, read);
  return apps_of(read);
}

Result<LinkFile> AioParts::read_link() const {
  LinkAbilities abilities{.full = engines_.full, .runs_apps = true};
  abilities.apps = apps_.has_value() ? apps_->in_force() : file_.wasmer.apps;
  abilities.apps_place = path_;
  abilities.process = settings_of(file_);
  return load_link_file(file_.link.config_path, {.listen_addr = file_.link.listen_addr, .metrics_addr = file_.flow.metrics_addr},
                        abilities);
}

FlowSurroundings AioParts::around_flows(const std::vector<apps::AppConfig>& apps, const LinkFile* link) const {
  FlowSurroundings around{.settings = settings_of(file_)};
  for (const apps::AppConfig& app : apps)
    if (app.listen == apps::Listen::kHttp) around.names.apps.push_back(app.name);
  if (link == nullptr) return around;
  around.ports.push_back({link->listen_addr, "the link's"});
  auto& targets = around.names.targets.emplace();
  for (const link::TargetConfig& target : link->targets) targets.push_back(target.name);
  return around;
}

}  // namespace fiso::server
