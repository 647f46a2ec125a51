#include "server/link_server.h"

#include <future>
#include <utility>

namespace fiso::server {
namespace {

constexpr std::chrono::hours kNothingElse{1};  // the control thread waits for signals only
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
    auto reject = [this](const std::string& target, uint64_t number) { credentials_->reject(target, number); };
    link::LinkStackParts parts{shard, process_->blocking, metrics_, log_, file_.allow_origins, reject};
    services_[shard.index()] = std::make_unique<Service>(std::move(parts), targets_);
  });
  FISO_TRY_OK(start_credentials());
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
    FISO_TRY(auto target, link::Target::make(config, process_->shards, metrics_));
    targets_.push_back(std::move(target));
  }
  admin_->start();
  return {};
}

Result<> LinkServer::start_credentials() {
  auto publish = [this](async::Shard& shard, const std::string& target, const link::CredentialState& state) {
    services_[shard.index()]->stack.set_credential(target, state);
  };
  credentials_ = std::make_unique<link::Credentials>(link::CredentialsParts{
      .shards = process_->shards, .blocking = process_->blocking, .log = log_, .vault = file_.vault, .publish = publish});
  return credentials_->start(targets_);
}

bool LinkServer::run_until_stopped(ControlEvents& events) {
  while (events.wait(kNothingElse) != ControlEvent::kStop) {}
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
  credentials_.reset();
  process_->shards.run_on_each([&](async::Shard& shard) {
    if (shard.index() < services_.size()) services_[shard.index()].reset();
  });
  if (admin_ != nullptr) admin_->drain(now() + kAdminDrain);
  admin_.reset();
}

}  // namespace fiso::server
