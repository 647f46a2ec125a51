#include "server/link_server.h"

#include <future>
#include <utility>

namespace fiso::server {
namespace {

constexpr std::chrono::seconds kFileLook{1};  // how soon a changed secret or certificate is noticed
constexpr std::chrono::milliseconds kDrainLook{10};
constexpr std::chrono::seconds kAdminDrain{1};

MonotonicTime now() { return Clock::system().now(); }

}  // namespace

// What a shard answers with.
class LinkServer::Service final : public net::HttpService {
 public:
  Service(link::LinkStackParts parts, const std::vector<std::unique_ptr<link::Target>>& targets)
      : stack(std::move(parts), targets) {}
  net::StreamingService* streaming() override { return &stack; }
  Task<net::HttpResponse> call(net::HttpRequest&) override { co_return net::text_response(500, "internal error"); }

  link::LinkStack stack;
};

LinkServer::LinkServer(LinkFile file, observe::Log log) : file_(std::move(file)), log_(std::move(log)) {}

LinkServer::~LinkServer() {
  if (process_ != nullptr) release();
}

Result<> LinkServer::start() {
  process_ = std::make_unique<ProcessParts>(Settings{.shards = file_.shards, .http = file_.http}, metrics_, log_);
  FISO_TRY_OK(start_admin());
  FISO_TRY_OK(make_targets());
  services_.resize(process_->shards.count());
  process_->shards.run_on_each([&](async::Shard& shard) {
    link::LinkStackParts parts{shard, process_->blocking, metrics_, log_, file_.allow_origins};
    services_[shard.index()] = std::make_unique<Service>(std::move(parts), targets_);
  });
  for (const auto& target : targets_) read_credential(*target);
  server_ =
      std::make_unique<net::HttpServer>(process_->shards, process_->commons.options(file_.listen_addr, file_.http),
                                        [this](async::Shard& shard) -> net::HttpService& { return *services_[shard.index()]; });
  FISO_TRY_OK(server_->bind());
  server_->start();
  health_.set_ready("listeners");
  log_.info("fiso-link started", {{"addr", file_.listen_addr}, {"port", server_->port()}, {"targets", targets_.size()}});
  return {};
}

Result<> LinkServer::start_admin() {
  auto refresh = [this] {
    process_->commons.show();
    for (const auto& target : targets_) target->show();
  };
  admin_service_ = std::make_unique<AdminService>(health_, metrics_, verdicts_, nullptr, refresh);
  FISO_TRY(admin_, process_->bind_admin(file_.metrics_addr, *admin_service_, log_));
  return {};
}

Result<> LinkServer::make_targets() {
  for (const link::TargetConfig& config : file_.targets) {
    std::vector<link::FileWatch> tls_files;  // before they are read, so that no change is missed
    for (const std::string& file : config.tls.files()) tls_files.emplace_back(file);
    FISO_TRY(auto target, link::Target::make(config, file_.name_servers, process_->shards, metrics_));
    if (!config.auth.secret.file_path.empty()) secrets_.emplace_back(target.get(), link::FileWatch(config.auth.secret.file_path));
    if (!tls_files.empty()) tls_files_.emplace_back(target.get(), std::move(tls_files));
    if (config.tls.skip_verify)
      log_.warn("THE TARGET IS NOT VERIFIED (tls.skipVerify): whoever answers gets its requests and its credentials",
                {{"target", config.name}, {"host", config.host}});
    targets_.push_back(std::move(target));
  }
  admin_->start();
  return {};
}

// A secret that cannot be read any more is none: requests that need it are refused.
void LinkServer::read_credential(const link::Target& target) {
  const std::string& name = target.config.name;
  if (target.config.auth.type == link::AuthType::kNone) return;
  auto credential = link::read_credential(target.config.auth);
  metrics_
      .counter("fiso_link_auth_refresh_total", "Readings of a target's secret.",
               {{"target", name}, {"status", credential.has_value() ? "success" : "error"}})
      .increment();
  if (!credential.has_value())
    log_.error("secret cannot be used, requests to the target are refused",
               {{"target", name}, {"error", credential.error().describe()}});
  std::optional<link::Credential> current;
  if (credential.has_value()) current = std::move(*credential);
  process_->shards.run_on_each([&](async::Shard& shard) { services_[shard.index()]->stack.set_credential(name, current); });
}

void LinkServer::look_at_files() {
  for (auto& [target, watch] : secrets_)
    if (watch.has_changed()) {
      log_.info("secret has changed", {{"target", target->config.name}});
      read_credential(*target);
    }
  for (auto& [target, watches] : tls_files_) {
    bool changed = false;
    for (link::FileWatch& watch : watches) changed = watch.has_changed() || changed;
    if (changed) renew_tls(*target);
  }
}

// What cannot be used is left alone: certificate and key are two files, and one of them comes first.
void LinkServer::renew_tls(const link::Target& target) {
  const std::string& name = target.config.name;
  auto tls = net::make_tls_client_context(target.config.tls.options());
  if (!tls.has_value()) {
    log_.error("certificates cannot be used, the ones before stay in use", {{"target", name}, {"error", tls.error().describe()}});
    return;
  }
  process_->shards.run_on_each([&](async::Shard& shard) { services_[shard.index()]->stack.set_tls(name, *tls); });
  log_.info("certificates have changed", {{"target", name}});
}

bool LinkServer::run_until_stopped(ControlEvents& events) {
  while (events.wait(kFileLook) != ControlEvent::kStop) look_at_files();
  return stop(events);
}

// A second signal ends the waiting.
bool LinkServer::stop(ControlEvents& events) {
  log_.info("shutting down");
  health_.start_draining();
  process_->shards.run_on_each([&](async::Shard& shard) { services_[shard.index()]->stack.end_retries(); });
  server_->begin_drain();
  auto drained = std::async(std::launch::async, [&] { return server_->wait_drained(now() + file_.shutdown_timeout); });
  while (drained.wait_for(kDrainLook) != std::future_status::ready)
    if (events.wait(std::chrono::milliseconds(1)) == ControlEvent::kStop) {
      log_.warn("second signal, stopping at once");
      std::_Exit(1);
    }
  bool clean = drained.get() == net::HttpServer::Drained::kClean;
  log_.info(clean ? "shutdown complete" : "shutdown cut what was still in flight");
  return clean;
}

void LinkServer::release() {
  server_.reset();
  process_->shards.run_on_each([&](async::Shard& shard) {
    if (shard.index() < services_.size()) services_[shard.index()].reset();
  });
  if (admin_ != nullptr) admin_->drain(now() + kAdminDrain);
  admin_.reset();
}

}  // namespace fiso::server
