#include "server/apps_server.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "json/text.h"

namespace fiso::server {
namespace {

constexpr std::chrono::milliseconds kLook{200};
constexpr std::chrono::seconds kAdminDrain{1};

MonotonicTime now() { return Clock::system().now(); }

std::string seconds(Duration duration) {
  char text[32];
  return {text,
          std::to_chars(text, std::end(text), std::chrono::duration<double>(duration).count(), std::chars_format::fixed, 6).ptr};
}

bool is_healthy(const std::unique_ptr<apps::App>& app) { return app->status().state == apps::State::kHealthy; }

}  // namespace

AppsServer::AppsServer(AppsServerOptions options, observe::Log log, RuntimesFactory make_runtimes)
    : options_(std::move(options)),
      log_(std::move(log)),
      make_runtimes_(std::move(make_runtimes)),
      network_(options_.file.network) {}

AppsServer::~AppsServer() {
  apps_.clear();
  if (admin_ != nullptr) admin_->drain(now() + kAdminDrain);
}

Result<> AppsServer::start(const std::function<void(const apps::App&)>& started) {
  const AppsFile& file = options_.file;
  Settings settings{.shards = file.shards, .wasm = file.wasm, .http = file.http};
  process_ = std::make_unique<ProcessParts>(settings, metrics_, log_);
  FISO_TRY(runtimes_, make_runtimes_({process_->shards, process_->blocking, process_->capacity, log_, settings, StopRequest(),
                                      process_->meter}));
  if (!options_.admin_address.empty()) FISO_TRY_OK(start_admin());
  for (const apps::AppConfig& config : file.apps) {
    apps_.push_back(std::make_unique<apps::App>(config, apps::AppParts{.shards = process_->shards,
                                                                       .blocking = process_->blocking,
                                                                       .runtimes = *runtimes_,
                                                                       .capacity = process_->capacity,
                                                                       .metrics = metrics_,
                                                                       .log = log_,
                                                                       .limits = file.http,
                                                                       .commons = process_->commons,
                                                                       .network = network_,
                                                                       .listen_addr = options_.listen_addr,
                                                                       .ports = file.default_port_range}));
    if (auto app = apps_.back()->start(); !app.has_value()) {
      std::string message = "starting app " + config.name + ": " + app.error().message();
      return app.take_error().with_message(std::move(message));
    }
    started(*apps_.back());
  }
  return {};
}

Result<> AppsServer::start_admin() {
  admin_service_ = std::make_unique<AdminService>(health_, metrics_, verdicts_, nullptr, [this] { process_->commons.show(); });
  admin_service_->refresh_with([this] { return process_->sample_processes(); });
  admin_service_->add_page("/apps", [this] { return describe_apps(); });
  FISO_TRY(admin_, process_->bind_admin(options_.admin_address, *admin_service_, log_));
  network_.refuse_port(admin_->port());
  return {};
}

// Started apps do not change any more once the admin port is served.
std::string AppsServer::describe_apps() const {
  std::string text = "[";
  for (const auto& app : apps_) {
    apps::AppStatus status = app->status();
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
  if (std::ranges::all_of(apps_, is_healthy)) {
    health_.set_ready("apps");
  } else {
    health_.set_not_ready("apps");
  }
}

bool AppsServer::run_until_stopped(ControlEvents& events) {
  if (admin_ != nullptr) admin_->start();
  do {
    watch_readiness();
  } while (events.wait(kLook) != ControlEvent::kStop);
  return stop(events);
}

// A second signal ends the waiting.
bool AppsServer::stop(ControlEvents& events) {
  log_.info("shutdown initiated");
  health_.start_draining();
  for (auto& app : apps_) app->begin_stop();
  MonotonicTime deadline = now() + options_.file.shutdown_timeout;
  auto ended = std::async(std::launch::async, [&] {
    bool clean = true;
    for (auto& app : apps_) clean = app->stop(deadline) && clean;
    return clean;
  });
  while (ended.wait_for(kLook / 10) != std::future_status::ready)
    if (events.wait(std::chrono::milliseconds(1)) == ControlEvent::kStop) {
      log_.warn("second signal, stopping at once");
      std::_Exit(1);
    }
  bool clean = ended.get();
  log_.info(clean ? "shutdown complete" : "shutdown cut what was still in flight");
  return clean;
}

}  // namespace fiso::server
