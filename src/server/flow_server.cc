#include "server/flow_server.h"

#include <unistd.h>

#include <utility>

namespace fiso::server {
namespace {

constexpr std::chrono::seconds kIdleLook{3600};
constexpr std::chrono::seconds kRetiredLook{1};
constexpr std::chrono::milliseconds kDrainLook{10};
constexpr std::chrono::seconds kAdminDrain{1};
// Longer than any slice that a busy machine stretches; guests have been told to end.
constexpr std::chrono::seconds kGuestsGone{10};

MonotonicTime now() { return Clock::system().now(); }

struct Loaded {
  Settings settings;
  std::vector<flow::FlowDraft> flows;
};

Result<Loaded> load_config(const FlowServerOptions& options, const core::Registry& registry, wasm::FullEngineSupport full) {
  config::Errors errors;
  Loaded loaded;
  loaded.settings = load_settings(options.config_dir, full, errors);
  auto flows = flow::load_flows(options.config_dir, registry, errors);
  if (!flows.has_value()) {
    std::string message = "load config: " + flows.error().message();
    return flows.take_error().with_message(std::move(message));
  }
  net::RouteTables claims(0);
  claims.reserve(options.admin_address, "the admin port (FISO_METRICS_ADDR)");
  core::Resources checked_with;
  checked_with.add(claims);
  checked_with.add(full);
  wasm::CapacityOptions capacity = capacity_options(loaded.settings.wasm);
  checked_with.add(capacity);
  ProcessNetwork network(loaded.settings.network);
  checked_with.add(network);
  flow::check_flows(*flows, checked_with, errors);
  if (!errors.empty()) {
    std::string count = std::to_string(errors.size()) + (errors.size() == 1 ? " problem" : " problems");
    std::string message = "load config: " + count + "\n" + errors.render();
    message.pop_back();  // the last line's end
    return Error(ErrorCode::kInvalidConfig, std::move(message));
  }
  loaded.flows = std::move(*flows);
  return loaded;
}

}  // namespace

Result<> check_config(const FlowServerOptions& options, const core::Registry& registry, const wasm::FullEngineSupport& full) {
  FISO_TRY_OK(load_config(options, registry, full));
  return {};
}

FlowServer::FlowServer(FlowServerOptions options, observe::Log log, const core::Registry& registry, ProgramEngines engines)
    : options_(std::move(options)), log_(std::move(log)), registry_(registry), engines_(std::move(engines)) {}

FlowServer::~FlowServer() {
  if (process_ != nullptr) release();
}

Result<> FlowServer::start(ControlEvents& events) {
  stop_ = events.stop_request();
  auto watched = events.watch(options_.config_dir);  // first, so that no change after the reading is missed
  FISO_TRY(Loaded loaded, load_config(options_, registry_, engines_.full));
  settings_ = loaded.settings;
  process_ = std::make_unique<ProcessParts>(settings_, metrics_, log_);
  output_ = std::make_unique<sinks::LineQueue>(STDOUT_FILENO);
  network_ = ProcessNetwork(settings_.network);
  FISO_TRY_OK(start_admin(events));
  FISO_TRY(runtimes_, engines_.make({process_->shards, process_->blocking, process_->capacity, log_, settings_, stop_}));
  resources_.add(process_->shards);
  resources_.add(process_->blocking);
  resources_.add(*output_);
  resources_.add(process_->capacity);
  resources_.add(*runtimes_);
  resources_.add(network_);
  listeners_ = std::make_unique<Listeners>(process_->shards, settings_.http, process_->commons, log_);
  if (watched.has_value()) {
    log_.info("watching config directory", {{"dir", options_.config_dir}});
  } else {
    log_.warn("config directory is not watched, SIGHUP still reloads", {{"error", watched.error().describe()}});
  }
  MonotonicTime began = now();
  FISO_TRY_OK(build_and_serve(loaded.flows));
  verdicts_.record("", now() - began);
  health_.set_ready("modules");
  health_.set_ready("listeners");
  return {};
}

Result<> FlowServer::start_admin(ControlEvents& events) {
  auto refresh = [this, &shown_instances = metrics_.gauge("fiso_wasm_instances_in_use", "Guest instances in the process."),
                  &shown_memory = metrics_.gauge("fiso_wasm_memory_bytes", "Linear memory of all guest instances.")] {
    process_->commons.show();
    shown_instances.set(static_cast<double>(process_->capacity.instances.in_use()));
    shown_memory.set(static_cast<double>(process_->capacity.memory.in_use()));
  };
  admin_service_ = std::make_unique<AdminService>(health_, metrics_, verdicts_, [&events] { events.request_reload(); }, refresh);
  FISO_TRY(admin_, process_->bind_admin(options_.admin_address, *admin_service_, log_));
  network_.refuse_port(admin_->port());
  admin_->start();
  return {};
}

Result<> FlowServer::read_and_serve() {
  FISO_TRY(Loaded loaded, load_config(options_, registry_, engines_.full));
  reloads_.note_changes(settings_, loaded.settings);
  FISO_TRY_OK(build_and_serve(loaded.flows));
  settings_.shutdown_timeout = loaded.settings.shutdown_timeout;
  return {};
}

Result<> FlowServer::build_and_serve(const std::vector<flow::FlowDraft>& flows) {
  FISO_TRY(auto generation, Generation::build(flows, {process_->shards, resources_, metrics_, log_, stop_}));
  FISO_TRY_OK(listeners_->open_for(*generation));
  log_.info("starting flows", {{"count", generation->flows().size()}});
  listeners_->serve(generation);
  std::set<std::string> names;
  for (const auto& flow : generation->flows()) names.insert(flow->name());
  for (const std::string& name : std::exchange(served_, names))
    if (!names.contains(name)) log_.info("flow stopped", {{"name", name}});
  for (const auto& flow : generation->flows()) log_.info("flow started", {{"name", flow->name()}});
  return {};
}

void FlowServer::reload() {
  reloads_.begin("dir", options_.config_dir);
  reloads_.end(read_and_serve());
}

bool FlowServer::run_until_stopped(ControlEvents& events) {
  for (;;) {
    listeners_->reap();
    switch (events.wait(listeners_->has_retired() ? Duration(kRetiredLook) : Duration(kIdleLook))) {
      case ControlEvent::kNone: break;
      case ControlEvent::kReload: reload(); break;
      case ControlEvent::kStop: return drain(events);
    }
  }
}

bool FlowServer::drain(ControlEvents& events) {
  log_.info("shutdown initiated");
  health_.start_draining();
  listeners_->begin_drain(now() + settings_.shutdown_timeout);
  bool clean = wait_drained(events) && release();
  for (const std::string& name : served_) log_.info("flow stopped", {{"name", name}});
  if (clean) {
    log_.info("shutdown complete");
  } else {
    log_.error("shutdown cut what was still in flight");
  }
  return clean;
}

bool FlowServer::wait_drained(ControlEvents& events) {
  while (listeners_->drain_state() == Listeners::Drain::kUnderWay) {
    if (events.wait(kDrainLook) != ControlEvent::kStop) continue;
    log_.warn("second signal, stopping at once");
    return false;
  }
  return listeners_->drain_state() == Listeners::Drain::kClean;
}

bool FlowServer::release() {
  if (listeners_ != nullptr) listeners_->release();
  if (admin_ != nullptr) {
    admin_->drain(now() + kAdminDrain);
    admin_.reset();
  }
  // Guests that were being started ahead end with their slice, which one long bulk-memory instruction may prolong.
  MonotonicTime deadline = now() + kGuestsGone;
  auto gone = [this] { return process_->capacity.configured_guests.load(std::memory_order_acquire) == 0; };
  while (!gone() && now() < deadline) process_->shards.run_on_each([](async::Shard&) {});
  return gone();
}

}  // namespace fiso::server
