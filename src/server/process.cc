#include "server/process.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "json/text.h"

namespace fiso::server {
namespace {

constexpr std::chrono::hours kIdleLook{1};
constexpr std::chrono::milliseconds kDrainLook{10};
constexpr std::chrono::seconds kAdminDrain{1};
constexpr std::chrono::seconds kFilesEnd{1};  // for files that are being read

MonotonicTime now() { return Clock::system().now(); }

}  // namespace

Process::Process(ProcessOptions options, std::vector<Role*> roles, observe::Log log, ProgramEngines engines)
    : options_(std::move(options)),
      roles_(std::move(roles)),
      log_(std::move(log)),
      engines_(std::move(engines)),
      service_manager_(options_.service_manager) {}

Process::~Process() {
  if (host_ != nullptr) release();
}

Result<> Process::start(ControlEvents& events) {
  if (options_.says_starting) log_.write(*options_.says_starting, "starting " + options_.name, {});
  for (Role* role : roles_) role->watch(events);
  const Settings* settings = nullptr;
  for (Role* role : roles_) {
    FISO_TRY_OK(role->read());
    if (settings == nullptr) settings = role->settings();
  }
  host_ = std::make_unique<Host>(settings != nullptr ? *settings : Settings(), metrics_, log_, events.stop_request(), engines_,
                                 options_.wasmer_host);
  for (Role* role : roles_) FISO_TRY_OK(role->join(*host_));
  if (std::string address = options_.admin_address(); !address.empty()) FISO_TRY_OK(start_admin(events, address));
  for (Role* role : roles_) FISO_TRY_OK(role->start());
  if (options_.tells_started) log_.info("all components started");
  service_manager_.ready();
  return {};
}

Result<> Process::start_admin(ControlEvents& events, const std::string& address) {
  admin_service_ = std::make_unique<AdminService>(
      host_->health, metrics_, AdminService::Reload{[&events] { events.request_reload(); }, [this] { return reload_verdicts(); }},
      options_.admin_token);
  admin_service_->refresh_with([this] { return refresh_metrics(); });
  for (const auto& [path, json] : host_->pages()) admin_service_->add_page(path, json);
  FISO_TRY(admin_, host_->parts.bind_admin(address, *admin_service_, log_));
  host_->network.refuse_port(admin_->port());
  admin_->start();
  return {};
}

Task<> Process::refresh_metrics() {
  co_await host_->parts.sample_processes();
  host_->refresh_metrics();
}

// That of the only role as it is; of several, each by its name.
std::string Process::reload_verdicts() const {
  if (roles_.size() == 1) return roles_.front()->verdicts().to_json();
  std::string json;
  for (const Role* role : roles_) {
    json += json.empty() ? "{" : ",";
    json::append_quoted(json, role->name());
    json += ':' + role->verdicts().to_json();
  }
  return json + "}";
}

void Process::reload(const ControlEvents& events) {
  service_manager_.reloading();
  for (Role* role : roles_) role->reload(events);
  service_manager_.ready();
}

Duration Process::look() {
  Duration longest = std::min<Duration>(kIdleLook, service_manager_.look(host_->parts.shards));
  for (Role* role : roles_) longest = std::min(longest, role->look());
  return longest;
}

Ended Process::run_until_stopped(ControlEvents& events) {
  for (;;) {
    switch (events.wait(look())) {
      case ControlEvent::kNone: break;
      case ControlEvent::kReload: reload(events); break;
      case ControlEvent::kStop: return drain(events);
    }
  }
}

// Those that use others first.
Ended Process::drain(ControlEvents& events) {
  if (options_.is_link)
    log_.info("shutting down");
  else
    log_.info("shutdown initiated");
  service_manager_.stopping();
  host_->health.start_draining();
  MonotonicTime deadline = now() + host_->settings.shutdown_timeout;
  bool clean = true;
  for (Role* role : std::views::reverse(roles_)) {
    Drain drained = wait_drained(events, *role, deadline);
    if (drained == Drain::kUnderWay) return Ended::kCut;
    clean = clean && drained == Drain::kClean;
  }
  clean = clean && release();
  if (clean) {
    log_.info("shutdown complete");
  } else {
    log_.error("shutdown cut what was still in flight");
  }
  if (!clean) return Ended::kCut;
  if (host_->parts.blocking.wait_idle(now() + kFilesEnd)) return Ended::kCleanly;
  log_.warn("a file system does not answer, stopping without it");
  return Ended::kWithoutAFile;
}

// kUnderWay: a second signal ended the waiting.
Drain Process::wait_drained(ControlEvents& events, Role& role, MonotonicTime deadline) {
  role.begin_drain(deadline);
  for (;;) {
    Drain state = role.drain_state();
    if (state != Drain::kUnderWay) return state;
    if (events.wait(kDrainLook) != ControlEvent::kStop) continue;
    log_.warn("second signal, stopping at once");
    return Drain::kUnderWay;
  }
}

// The admin pages first, which show what roles have. False if some guest does not end.
bool Process::release() {
  if (admin_ != nullptr) admin_->drain(now() + kAdminDrain);
  admin_.reset();
  for (Role* role : std::views::reverse(roles_)) role->release();
  host_->end_apps();
  return host_->parts.wait_guests_gone();
}

}  // namespace fiso::server
