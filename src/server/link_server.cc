#include "server/link_server.h"

#include <algorithm>
#include <future>
#include <utility>

#include "components/builtin.h"

namespace fiso::server {
namespace {

constexpr std::chrono::seconds kFileLook{1};  // how soon a changed secret or certificate is noticed
constexpr std::chrono::milliseconds kDrainLook{10};
constexpr std::chrono::seconds kAdminDrain{1};

MonotonicTime now() { return Clock::system().now(); }

Settings settings_of(const LinkFile& file) {
  return {.shards = file.shards,
          .shutdown_timeout = file.shutdown_timeout,
          .network = file.network,
          .wasm = file.wasm,
          .http = file.http};
}

}  // namespace

// What a shard answers with.
class LinkServer::Service final : public net::HttpService {
 public:
  explicit Service(link::LinkStackParts parts) : stack(std::move(parts)) {}
  net::StreamingService* streaming() override { return &stack; }
  Task<net::HttpResponse> call(net::HttpRequest&) override { co_return net::text_response(500, "internal error"); }

  link::LinkStack stack;
};

LinkServer::LinkServer(LinkServerOptions options, observe::Log log, RuntimesFactory make_runtimes)
    : options_(std::move(options)), log_(std::move(log)), make_runtimes_(std::move(make_runtimes)), producers_(log_) {
  register_target_interceptors(registry_);
}

LinkServer::~LinkServer() {
  if (process_ != nullptr) release();
}

Result<> LinkServer::start(ControlEvents& events) {
  auto watched = events.watch_file(options_.file);  // first, so that no change after the reading is missed
  stop_ = events.stop_request();
  FISO_TRY(file_, options_.read());
  network_ = ProcessNetwork(file_.network);
  process_ = std::make_unique<ProcessParts>(settings_of(file_), metrics_, log_);
  FISO_TRY_OK(start_admin(events));
  MonotonicTime began = now();
  FISO_TRY(link::Targets targets, make_targets(file_));
  start_services();
  FISO_TRY_OK(credentials_->prepare(targets));
  FISO_TRY_OK(tokens_->prepare(producers_.all()));
  use(std::move(targets));
  server_ =
      std::make_unique<net::HttpServer>(process_->shards, process_->commons.options(file_.listen_addr, file_.http),
                                        [this](async::Shard& shard) -> net::HttpService& { return *services_[shard.index()]; });
  FISO_TRY_OK(server_->bind());
  server_->start();
  verdicts_.record("", now() - began);
  health_.set_ready("listeners");
  if (!watched.has_value())
    log_.warn("config file is not watched, SIGHUP still reloads", {{"error", watched.error().describe()}});
  log_.info("fiso-link started", {{"addr", file_.listen_addr}, {"port", server_->port()}, {"targets", targets_.size()}});
  return {};
}

Result<> LinkServer::start_admin(ControlEvents& events) {
  auto refresh = [this] {
    process_->commons.show();
    shown_.with([](const link::Targets& targets) {
      for (const auto& used : targets) used.target->show();
    });
  };
  admin_service_ = std::make_unique<AdminService>(health_, metrics_, verdicts_, [&events] { events.request_reload(); }, refresh);
  FISO_TRY(admin_, process_->bind_admin(file_.metrics_addr, *admin_service_, log_));
  network_.refuse_port(admin_->port());
  admin_->start();
  return {};
}

void LinkServer::start_services() {
  services_.resize(process_->shards.count());
  process_->shards.run_on_each([&](async::Shard& shard) {
    services_[shard.index()] = std::make_unique<Service>(link::LinkStackParts{
        .shard = shard,
        .blocking = process_->blocking,
        .metrics = metrics_,
        .log = log_,
        .bodies = process_->commons.bodies.bytes,
        .most_intercepted = static_cast<size_t>(file_.http.body_bytes.count),
        .reject = [this](const std::string& target, uint64_t number) { credentials_->reject(target, number); }});
  });
  auto publish = [this](async::Shard& shard, const std::string& target, const link::CredentialState& state) {
    services_[shard.index()]->stack.set_credential(target, state);
  };
  credentials_ = std::make_unique<link::Credentials>(link::CredentialsParts{.shards = process_->shards,
                                                                            .blocking = process_->blocking,
                                                                            .log = log_,
                                                                            .vault = file_.vault,
                                                                            .client = {.name_servers = file_.name_servers},
                                                                            .publish = publish});
  tokens_ = std::make_unique<link::KafkaTokens>(link::KafkaTokensParts{.shards = process_->shards,
                                                                       .blocking = process_->blocking,
                                                                       .log = log_,
                                                                       .metrics = metrics_,
                                                                       .client = {.name_servers = file_.name_servers}});
}

// A target that says what it said before is the same one: what its breaker, its rate and its connections know stays.
Result<std::shared_ptr<link::Target>> LinkServer::make_target(const link::TargetConfig& config, const LinkFile& file) {
  auto spec = link::target_spec(registry_);
  std::shared_ptr<kafka::Producer> producer;
  if (config.protocol == link::Protocol::kKafka) {
    const kafka::ClusterConfig& cluster = file.kafka.clusters.at(config.kafka->cluster);
    FISO_TRY(producer, producers_.get(link::producer_options(config, cluster, static_cast<size_t>(file_.http.body_bytes.count))));
  }
  for (const auto& used : targets_)
    if (used.target->producer == producer && spec.changed(used.target->config, config).empty()) return used.target;
  std::vector<link::FileWatch> tls_files;  // before they are read, so that no change is missed
  for (const std::string& path : config.tls_settings().files()) tls_files.emplace_back(path);
  FISO_TRY(auto target, link::Target::make(config, file_.name_servers, process_->shards, metrics_, std::move(producer)));
  tls_files_.insert_or_assign(target.get(), std::move(tls_files));
  if (config.tls_settings().skip_verify)
    log_.warn("THE TARGET IS NOT VERIFIED (tls.skipVerify): whoever answers gets its requests and its credentials",
              {{"target", config.name}, {"host", config.host}});
  return target;
}

// Their memory is reserved and their threads are started when the first guest needs them.
Result<> LinkServer::need_runtimes() {
  if (runtimes_ != nullptr) return {};
  FISO_TRY(runtimes_, make_runtimes_({process_->shards, process_->blocking, process_->capacity, log_, settings_of(file_), stop_,
                                      process_->meter}));
  resources_.add(process_->shards);
  resources_.add(process_->blocking);
  resources_.add(process_->capacity);
  resources_.add(*runtimes_);
  resources_.add(network_);
  return {};
}

Result<link::Targets> LinkServer::make_targets(const LinkFile& file) {
  link::Targets targets;
  for (size_t i = 0; i < file.targets.size(); ++i) {
    if (!file.interceptors[i].empty()) FISO_TRY_OK(need_runtimes());
    FISO_TRY(auto target, make_target(file.targets[i], file));
    FISO_TRY(auto plan, link::InterceptionPlan::prepare(target->config.name, file.interceptors[i], resources_, metrics_, log_));
    targets.push_back({std::move(target), std::move(plan)});
  }
  return targets;
}

// After credentials_->prepare().
void LinkServer::use(link::Targets targets) {
  std::swap(targets_, targets);
  shown_.with([this](link::Targets& shown) { shown = targets_; });
  process_->shards.run_on_each([&](async::Shard& shard) { services_[shard.index()]->stack.use(targets_, file_.allow_origins); });
  credentials_->use(targets_);
  link::KafkaTokens::Producers producers;
  for (const auto& used : targets_)
    if (used.target->producer != nullptr) producers.push_back(used.target->producer);
  tokens_->use(producers);  // before those go that are not among them
  std::erase_if(tls_files_, [this](const auto& watched) {
    return std::ranges::none_of(targets_, [&](const auto& used) { return used.target.get() == watched.first; });
  });
}

void LinkServer::reload() {
  reloads_.begin("file", options_.file);
  reloads_.end(read_and_use());
}

Result<> LinkServer::read_and_use() {
  FISO_TRY(LinkFile read, options_.read());
  FISO_TRY(link::Targets targets, make_targets(read));
  FISO_TRY_OK(credentials_->prepare(targets));
  FISO_TRY_OK(tokens_->prepare(producers_.all()));
  LinkFile next = file_;  // with all that can be taken over while it serves
  next.targets = read.targets;
  next.kafka = read.kafka;
  next.allow_origins = read.allow_origins;
  next.shutdown_timeout = read.shutdown_timeout;
  reloads_.note_restart_needed(link_file_spec(registry_).changed(next, read));
  file_ = std::move(next);
  use(std::move(targets));
  return {};
}

void LinkServer::look_after() {
  producers_.look_after();
  for (const auto& used : targets_) {
    bool changed = false;
    for (link::FileWatch& watch : tls_files_[used.target.get()]) changed = watch.has_changed() || changed;
    if (changed) renew_tls(*used.target);
  }
}

// What cannot be used is left alone: certificate and key are two files, and one of them comes first.
void LinkServer::renew_tls(const link::Target& target) {
  const std::string& name = target.config.name;
  auto tls = net::make_tls_client_context(target.config.tls_settings().options());
  if (!tls.has_value()) {
    log_.error("certificates cannot be used, the ones before stay in use", {{"target", name}, {"error", tls.error().describe()}});
    return;
  }
  process_->shards.run_on_each([&](async::Shard& shard) { services_[shard.index()]->stack.set_tls(name, *tls); });
  log_.info("certificates have changed", {{"target", name}});
}

bool LinkServer::run_until_stopped(ControlEvents& events) {
  for (;;) {
    switch (events.wait(kFileLook)) {
      case ControlEvent::kNone: look_after(); break;
      case ControlEvent::kReload: reload(); break;
      case ControlEvent::kStop: return stop(events);
    }
  }
}

// A second signal ends the waiting.
bool LinkServer::stop(ControlEvents& events) {
  log_.info("shutting down");
  health_.start_draining();
  if (server_ == nullptr) {  // stopped while it started
    log_.info("shutdown complete");
    return true;
  }
  process_->shards.run_on_each([&](async::Shard& shard) { services_[shard.index()]->stack.end_retries(); });
  server_->begin_drain();
  auto drained = std::async(std::launch::async, [&] { return server_->wait_drained(now() + file_.shutdown_timeout); });
  while (drained.wait_for(kDrainLook) != std::future_status::ready)
    if (events.wait(std::chrono::milliseconds(1)) == ControlEvent::kStop) {
      log_.warn("second signal, stopping at once");
      std::_Exit(1);
    }
  bool clean = drained.get() == net::HttpServer::Drained::kClean && release();
  log_.info(clean ? "shutdown complete" : "shutdown cut what was still in flight");
  return clean;
}

bool LinkServer::release() {
  server_.reset();
  credentials_.reset();
  tokens_.reset();
  process_->shards.run_on_each([&](async::Shard& shard) {
    if (shard.index() < services_.size()) services_[shard.index()].reset();
  });
  if (admin_ != nullptr) admin_->drain(now() + kAdminDrain);
  admin_.reset();
  shown_.with([](link::Targets& shown) { shown.clear(); });
  targets_.clear();
  producers_.look_after();
  return process_->wait_guests_gone();
}

}  // namespace fiso::server
