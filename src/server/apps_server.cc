#include "server/apps_server.h"

#include <charconv>
#include <iterator>
#include <utility>

#include "json/text.h"
#include "wasm/artifact_cache.h"
#include "wasm/module_file.h"

namespace fiso::server {
namespace {

constexpr std::chrono::milliseconds kLook{200};
constexpr std::chrono::milliseconds kChangeLook{10};
constexpr std::chrono::milliseconds kDrainLook{10};
constexpr std::chrono::seconds kAdminDrain{1};

MonotonicTime now() { return Clock::system().now(); }

Settings settings_of(const AppsFile& file) {
  return {.shards = file.shards,
          .shutdown_timeout = file.shutdown_timeout,
          .network = file.network,
          .wasm = file.wasm,
          .http = file.http};
}

Result<std::vector<apps::WantedApp>> wanted_apps(const AppsFile& file) {
  std::vector<apps::WantedApp> wanted;
  for (const apps::AppConfig& config : file.apps) {
    auto module = wasm::ModuleFile::open(config.module);
    if (!module.has_value()) {
      std::string message = "starting app " + config.name + ": " + module.error().message();
      return module.take_error().with_message(std::move(message));
    }
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

AppsServer::AppsServer(AppsServerOptions options, observe::Log log, RuntimesFactory make_runtimes)
    : options_(std::move(options)), log_(std::move(log)), make_runtimes_(std::move(make_runtimes)) {}

// The admin pages show the apps.
AppsServer::~AppsServer() {
  if (admin_ != nullptr) admin_->drain(now() + kAdminDrain);
  admin_.reset();
}

Result<> AppsServer::start(ControlEvents& events, const std::function<void(const apps::App&)>& started) {
  stop_ = events.stop_request();
  Result<> watched;  // first, so that no change after the reading is missed
  if (options_.watch == Watch::kYes) watched = events.watch_file(options_.file);
  FISO_TRY(AppsFile file, options_.read());
  settings_ = settings_of(file);
  network_ = ProcessNetwork(settings_.network);
  process_ = std::make_unique<ProcessParts>(settings_, metrics_, log_);
  FISO_TRY(runtimes_, make_runtimes_({process_->shards, process_->blocking, process_->capacity, log_, settings_, stop_,
                                      process_->meter, options_.wasmer_host}));
  if (!options_.admin_address.empty()) FISO_TRY_OK(start_admin(events));
  apps_ = std::make_unique<apps::AppSet>(apps::AppParts{.shards = process_->shards,
                                                        .blocking = process_->blocking,
                                                        .runtimes = *runtimes_,
                                                        .capacity = process_->capacity,
                                                        .metrics = metrics_,
                                                        .log = log_,
                                                        .limits = settings_.http,
                                                        .commons = process_->commons,
                                                        .network = network_,
                                                        .listen_addr = options_.listen_addr});
  if (watched.has_value() && options_.watch == Watch::kYes) log_.info("watching config file", {{"file", options_.file}});
  if (!watched.has_value())
    log_.warn("config file is not watched, SIGHUP still reloads", {{"error", watched.error().describe()}});
  MonotonicTime began = now();
  FISO_TRY(auto wanted, wanted_apps(file));
  FISO_TRY_OK(apps_->start(wanted, file.default_port_range, started));
  verdicts_.record("", now() - began);
  return {};
}

Result<> AppsServer::start_admin(ControlEvents& events) {
  admin_service_ = std::make_unique<AdminService>(
      health_, metrics_, verdicts_, [&events] { events.request_reload(); }, [this] { process_->commons.show(); });
  admin_service_->refresh_with([this] { return process_->sample_processes(); });
  admin_service_->add_page("/apps", [this] { return describe_apps(); });
  FISO_TRY(admin_, process_->bind_admin(options_.admin_address, *admin_service_, log_));
  network_.refuse_port(admin_->port());
  return {};
}

std::string AppsServer::describe_apps() {
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

void AppsServer::watch_readiness() {
  if (apps_->all_healthy()) {
    health_.set_ready("apps");
  } else {
    health_.set_not_ready("apps");
  }
}

void AppsServer::reload() {
  if (apps_->changing()) end_reload({apps_->call_off(), "another change came before the apps were healthy"});
  reloads_.begin("file", options_.file);
  auto begun = begin_reload();
  if (!begun.has_value()) reloads_.end(begun);
}

Result<> AppsServer::begin_reload() {
  FISO_TRY(AppsFile read, options_.read());
  FISO_TRY(auto wanted, wanted_apps(read));
  reloads_.note_changes(settings_, settings_of(read));
  FISO_TRY_OK(apps_->begin_change(wanted, read.default_port_range));
  next_shutdown_timeout_ = read.shutdown_timeout;
  return {};
}

// Once what it changes is healthy, or will not be.
void AppsServer::settle_reload() {
  if (!apps_->changing()) return;
  if (auto settled = apps_->settle(settings_.shutdown_timeout)) end_reload(*settled);
  watch_readiness();
}

void AppsServer::end_reload(const apps::AppSet::Settled& settled) {
  using Extent = apps::AppSet::Extent;
  if (settled.extent != Extent::kNothing) settings_.shutdown_timeout = next_shutdown_timeout_;
  if (settled.problems.empty()) return reloads_.end({});
  Error error(ErrorCode::kUnavailable, settled.problems);
  if (settled.extent == Extent::kInPart) return reloads_.end_in_part(error);
  reloads_.end(error);
}

bool AppsServer::run_until_stopped(ControlEvents& events) {
  if (admin_ != nullptr) admin_->start();
  for (;;) {
    apps_->reap();
    settle_reload();
    watch_readiness();
    switch (events.wait(apps_->changing() ? Duration(kChangeLook) : Duration(kLook))) {
      case ControlEvent::kNone: break;
      case ControlEvent::kReload: reload(); break;
      case ControlEvent::kStop: return stop(events);
    }
  }
}

// A second signal ends the waiting.
bool AppsServer::stop(ControlEvents& events) {
  log_.info("shutdown initiated");
  health_.start_draining();
  apps_->begin_drain(now() + settings_.shutdown_timeout);
  while (apps_->drain_state() == apps::AppSet::Drain::kUnderWay)
    if (events.wait(kDrainLook) == ControlEvent::kStop) {
      log_.warn("second signal, stopping at once");
      std::_Exit(1);
    }
  bool clean = apps_->drain_state() == apps::AppSet::Drain::kClean;
  log_.info(clean ? "shutdown complete" : "shutdown cut what was still in flight");
  return clean;
}

}  // namespace fiso::server
