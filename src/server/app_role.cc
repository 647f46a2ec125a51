#include "server/app_role.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "json/text.h"
#include "server/host.h"
#include "wasm/artifact_cache.h"
#include "wasm/module_file.h"

namespace fiso::server {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(200);
constexpr Duration kChangeLook = std::chrono::milliseconds(10);

MonotonicTime now() { return Clock::system().now(); }

Result<std::vector<apps::WantedApp>> wanted_apps(const AppsFile& file, const AppRoleOptions& options) {
  std::vector<apps::WantedApp> wanted;
  for (const apps::AppConfig& config : file.apps) {
    auto module = wasm::ModuleFile::open(config.module);
    if (!module.has_value())
      return module.take_error().with_context(options.alone ? options.when_starting : options.when_starting + " " + config.name);
    wanted.push_back({config, wasm::ArtifactCache::key(module->bytes(), "")});
  }
  return wanted;
}

std::string seconds(Duration duration) {
  char text[32];
  return {text,
          std::to_chars(text, std::end(text), std::chrono::duration<double>(duration).count(), std::chars_format::fixed, 6).ptr};
}

}  // namespace

AppRole::AppRole(AppRoleOptions options) : options_(std::move(options)), reloads_(Reloads::Of::kFile, options_.file) {}

AppRole::~AppRole() = default;

void AppRole::watch(ControlEvents& events) {
  if (options_.watch == Watch::kYes) reloads_.watch(events);
}

Result<> AppRole::read() {
  FISO_TRY(file_, options_.read());
  settings_ = settings_of(file_);
  return {};
}

Result<> AppRole::join(Host& host) {
  host_ = &host;
  reloads_.join(host.metrics, host.log);
  host.health.set_not_ready("apps");
  FISO_TRY_OK(host.runtimes());
  apps::AppParts parts = host.app_parts();
  parts.listen_addr = options_.listen_addr;
  parts.alone = options_.alone;
  parts.when_starting = options_.when_starting;
  apps_ = std::make_unique<apps::AppSet>(std::move(parts), host.apps, host.local);
  host.add_page("/apps", [this] { return describe_apps(); });
  return {};
}

Result<> AppRole::start() {
  reloads_.announce();
  MonotonicTime began = now();
  auto wanted = wanted_apps(file_, options_);
  Result<> begun = wanted.has_value() ? apps_->start(*wanted, file_.default_port_range, options_.started) : wanted.take_error();
  if (!begun.has_value()) {
    bool told = options_.logs_starts && begun.error().code() != ErrorCode::kCancelled;
    if (told) host_->log.error("failed to start wasmer app", {{"error", begun.error().describe()}});
    return begun;
  }
  has_started_ = true;
  if (options_.logs_starts)
    for (const apps::AppStatus& app : apps_->status())
      host_->log.info("started wasmer app", {{"name", app.name}, {"addr", app.host + ":" + std::to_string(app.port)}});
  reloads_.record_start(now() - began);
  return {};
}

std::vector<apps::AppConfig> AppRole::in_force() const { return has_started_ ? apps_->configs() : file_.apps; }

std::string AppRole::describe_apps() const {
  std::string text = "[";
  for (const apps::AppStatus& status : apps_->status()) {
    text += text.size() > 1 ? ",{\"name\":" : "{\"name\":";
    json::append_quoted(text, status.name);
    text += ",\"state\":\"" + std::string(to_string(status.state)) + "\",\"port\":" + std::to_string(status.port) +
            ",\"probes\":" + std::to_string(status.probes) + ",\"failedProbes\":" + std::to_string(status.failed_probes) +
            ",\"restarts\":" + std::to_string(status.restarts) + ",\"cpuSeconds\":" + seconds(status.cpu) +
            ",\"memoryBytes\":" + std::to_string(status.memory.count);
    if (status.resident.has_value()) text += ",\"residentBytes\":" + std::to_string(status.resident->count);
    text += '}';
  }
  return text + "]";
}

void AppRole::reload(const ControlEvents& events) {
  if (!reloads_.concerned(events)) return;
  if (apps_->changing()) end_reload({apps_->call_off(), "another change came before the apps were healthy"});
  reloads_.begin();
  auto begun = begin_reload();
  if (!begun.has_value()) reloads_.end(begun);
}

Result<> AppRole::begin_reload() {
  FISO_TRY(AppsFile read, options_.read());
  FISO_TRY(auto wanted, wanted_apps(read, options_));
  if (options_.restart_needed != nullptr)
    reloads_.note_restart_needed(options_.restart_needed());
  else if (options_.speaks_of_process)
    reloads_.note_changes(host_->settings, settings_of(read));
  FISO_TRY_OK(apps_->begin_change(wanted, read.default_port_range));
  next_shutdown_timeout_ = read.shutdown_timeout;
  return {};
}

// Once what it changes is healthy, or will not be.
void AppRole::settle_reload() {
  if (!apps_->changing()) return;
  if (auto settled = apps_->settle(host_->settings.shutdown_timeout)) end_reload(*settled);
}

void AppRole::end_reload(const apps::AppSet::Settled& settled) {
  using Extent = apps::AppSet::Extent;
  if (settled.extent != Extent::kNothing && options_.speaks_of_process) host_->settings.shutdown_timeout = next_shutdown_timeout_;
  if (settled.problems.empty()) return reloads_.end({});
  Error error(ErrorCode::kUnavailable, settled.problems);
  if (settled.extent == Extent::kInPart) return reloads_.end_in_part(error);
  reloads_.end(error);
}

Duration AppRole::look() {
  apps_->reap();
  settle_reload();
  if (apps_->all_healthy()) {
    host_->health.set_ready("apps");
  } else {
    host_->health.set_not_ready("apps");
  }
  return std::min(apps_->changing() ? kChangeLook : kLook, report_start());
}

Duration AppRole::report_start() {
  if (start_reported_ || !options_.report_start) return kLook;
  std::optional<Duration> next = options_.report_start(apps_->status());
  start_reported_ = !next.has_value();
  return next.value_or(kLook);
}

void AppRole::begin_drain(MonotonicTime deadline) { apps_->begin_drain(deadline); }

Drain AppRole::drain_state() {
  switch (apps_->drain_state()) {
    case apps::AppSet::Drain::kUnderWay: return Drain::kUnderWay;
    case apps::AppSet::Drain::kCut: return Drain::kCut;
    case apps::AppSet::Drain::kClean: break;
  }
  return Drain::kClean;
}

void AppRole::release() { apps_.reset(); }

}  // namespace fiso::server
