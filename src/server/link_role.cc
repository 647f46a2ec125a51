#include "server/link_role.h"

#include <algorithm>
#include <charconv>
#include <future>
#include <set>
#include <thread>
#include <utility>

#include "server/host.h"
#include "server/registries.h"

namespace fiso::server {
namespace {

constexpr std::chrono::seconds kLongestWarming{5};
constexpr std::chrono::seconds kFileLook{1};  // how soon a changed secret or certificate is noticed

MonotonicTime now() { return Clock::system().now(); }

// No guest calls what is meant for applications. The port is known before it is open, and before any guest is started.
void refuse_own_port(const std::string& address, ProcessNetwork& network) {
  uint16_t port = 0;
  std::string_view digits = std::string_view(address).substr(address.rfind(':') + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (port != 0) network.refuse_port(port);
}

}  // namespace

// What a shard answers with.
class LinkRole::Service final : public net::HttpService {
 public:
  explicit Service(link::LinkStackParts parts) : stack(std::move(parts)) {}
  net::StreamingService* streaming() override { return &stack; }
  Task<net::HttpResponse> call(net::HttpRequest&) override { co_return net::text_response(500, "internal error"); }

  link::LinkStack stack;
};

// What interceptors start before they are asked. What nobody has taken over when this goes, goes too.
class LinkRole::Ahead {
 public:
  Ahead(async::ShardSet& shards, const link::Targets& targets) : shards_(shards) {
    for (const auto& used : targets) plans_.push_back(used.interceptions);
    on_each(&link::InterceptionPlan::make_ahead);
  }
  ~Ahead() { on_each(&link::InterceptionPlan::drop_ahead); }
  Ahead(const Ahead&) = delete;

 private:
  void on_each(void (link::InterceptionPlan::*call)(async::Shard&) const) {
    shards_.run_on_each([&](async::Shard& shard) {
      for (const auto& plan : plans_) ((*plan).*call)(shard);
    });
  }

  async::ShardSet& shards_;
  std::vector<std::shared_ptr<const link::InterceptionPlan>> plans_;
};

LinkRole::LinkRole(LinkRoleOptions options) : options_(std::move(options)), reloads_(Reloads::Of::kFile, options_.file) {
  register_target_components(registry_);
}

LinkRole::~LinkRole() = default;

Result<> LinkRole::read() {
  FISO_TRY(file_, options_.read());
  settings_ = settings_of(file_);
  return {};
}

Result<> LinkRole::join(Host& host) {
  host_ = &host;
  reloads_.join(host.metrics, host.log);
  host.health.set_not_ready("link");
  producers_ = std::make_unique<kafka::Producers>(host.log);
  refuse_own_port(file_.listen_addr, host.network);
  host.before_metrics([this] {
    shown_.with([](const link::Targets& targets) {
      for (const auto& used : targets) used.target->show();
    });
  });
  return {};
}

Result<> LinkRole::start() {
  reloads_.announce();
  MonotonicTime began = now();
  FISO_TRY(link::Targets targets, make_targets(file_));
  Ahead ahead(host_->parts.shards, targets);
  FISO_TRY_OK(wait_warm(targets));
  start_services();
  FISO_TRY_OK(credentials_->prepare(targets));
  FISO_TRY_OK(tokens_->prepare(producers_->all()));
  use(std::move(targets));
  server_ = std::make_unique<net::HttpServer>(
      host_->parts.shards,
      host_->parts.commons.options(file_.listen_addr, host_->settings.http,
                                   file_.listen_tls.has_value() ? std::optional(file_.listen_tls->options()) : std::nullopt),
      [this](async::Shard& shard) -> net::HttpService& { return *services_[shard.index()]; });
  watch_listen_tls();  // before they are read, so that no change is missed
  FISO_TRY_OK(server_->bind());
  server_->start();
  lead_names();
  reloads_.record_start(now() - began);
  host_->health.set_ready("link");
  host_->log.info("fiso-link started", {{"addr", file_.listen_addr}, {"port", server_->port()}, {"targets", targets_.size()}});
  return {};
}

void LinkRole::start_services() {
  services_.resize(host_->parts.shards.count());
  host_->parts.shards.run_on_each([&](async::Shard& shard) {
    services_[shard.index()] = std::make_unique<Service>(
        link::LinkStackParts{.shard = shard,
                             .blocking = host_->parts.blocking,
                             .metrics = host_->metrics,
                             .log = host_->log,
                             .bodies = host_->parts.commons.bodies.bytes,
                             .most_intercepted = static_cast<size_t>(host_->settings.http.body_bytes.count),
                             .reject = [this](const auto& target, uint64_t number) { credentials_->reject(target, number); }});
  });
  auto publish = [this](async::Shard& shard, const link::Target& target, const link::CredentialState& state) {
    services_[shard.index()]->stack.set_credential(target, state);
  };
  credentials_ = std::make_unique<link::Credentials>(link::CredentialsParts{.shards = host_->parts.shards,
                                                                            .blocking = host_->parts.blocking,
                                                                            .log = host_->log,
                                                                            .vault = file_.vault,
                                                                            .client = {.name_servers = file_.name_servers},
                                                                            .publish = publish});
  tokens_ = std::make_unique<link::KafkaTokens>(link::KafkaTokensParts{.shards = host_->parts.shards,
                                                                       .blocking = host_->parts.blocking,
                                                                       .log = host_->log,
                                                                       .metrics = host_->metrics,
                                                                       .client = {.name_servers = file_.name_servers}});
}

// A target that says what it said before is the same one: what its breaker, its rate and its connections know stays.
Result<std::shared_ptr<link::Target>> LinkRole::make_target(const link::TargetConfig& config, const LinkFile& file) {
  auto spec = link::target_spec(registry_);
  std::shared_ptr<kafka::Producer> producer;
  if (config.protocol == link::Protocol::kKafka) {
    const kafka::ClusterConfig& cluster = file.kafka.clusters.at(config.kafka->cluster);
    FISO_TRY(producer, producers_->get(
                           link::producer_options(config, cluster, static_cast<size_t>(host_->settings.http.body_bytes.count))));
  }
  for (const auto& used : targets_)
    if (used.target->producer == producer && spec.changed(used.target->config, config).empty()) return used.target;
  std::vector<link::FileWatch> tls_files;  // before they are read, so that no change is missed
  for (const std::string& path : config.tls_settings().files()) tls_files.emplace_back(path);
  FISO_TRY(auto target, link::Target::make(config, file_.name_servers, host_->parts.shards, host_->metrics, std::move(producer),
                                           &host_->local));
  tls_files_.insert_or_assign(target.get(), std::move(tls_files));
  if (config.tls_settings().skip_verify)
    host_->log.warn("THE TARGET IS NOT VERIFIED (tls.skipVerify): whoever answers gets its requests and its credentials",
                    {{"target", config.name}, {"host", config.host}});
  return target;
}

Result<link::Targets> LinkRole::make_targets(const LinkFile& file) {
  link::Targets targets;
  for (size_t i = 0; i < file.targets.size(); ++i) {
    if (!file.interceptors[i].empty()) FISO_TRY_OK(host_->runtimes());
    FISO_TRY(auto target, make_target(file.targets[i], file));
    FISO_TRY(auto plan, link::InterceptionPlan::prepare(target->config.name, file.interceptors[i], host_->resources(),
                                                        host_->metrics, host_->log));
    targets.push_back({std::move(target), std::move(plan)});
  }
  return targets;
}

// What interceptors start ahead stands ready before it is asked, unless it takes too long, or the process stops. The error: it
// never will.
Result<> LinkRole::wait_warm(const link::Targets& targets) const {
  MonotonicTime until = now() + kLongestWarming;
  for (;;) {
    std::vector<std::string_view> cold;
    for (const auto& used : targets) {
      FISO_TRY(bool warm, used.interceptions->warm());
      if (!warm) cold.push_back(used.target->config.name);
    }
    if (cold.empty() || host_->stop.made()) return {};
    if (now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    for (std::string_view name : cold)
      host_->log.warn("target is served before all that it starts ahead stands ready",
                      {{"target", name}, {"waited", format_duration(kLongestWarming)}});
    return {};
  }
}

// After credentials_->prepare().
void LinkRole::use(link::Targets targets) {
  std::swap(targets_, targets);
  lead_names();
  shown_.with([this](link::Targets& shown) { shown = targets_; });
  host_->parts.shards.run_on_each(
      [&](async::Shard& shard) { services_[shard.index()]->stack.use(targets_, file_.allow_origins); });
  credentials_->use(targets_);
  link::KafkaTokens::Producers producers;
  for (const auto& used : targets_)
    if (used.target->producer != nullptr) producers.push_back(used.target->producer);
  tokens_->use(producers);  // before those go that are not among them
  std::erase_if(tls_files_, [this](const auto& watched) {
    return std::ranges::none_of(targets_, [&](const auto& used) { return used.target.get() == watched.first; });
  });
}

// Who is inside the process finds targets as `link://NAME`, while they are there. Once the server serves.
void LinkRole::lead_names() {
  if (server_ == nullptr) return;
  std::set<std::string> names;
  for (const auto& used : targets_)
    names.insert(net::LocalUrl{.of = net::LocalUrl::Of::kTarget, .name = used.target->config.name}.service());
  for (const std::string& name : std::exchange(led_, names))
    if (!names.contains(name)) host_->local.forget(name);
  for (const std::string& name : names) host_->local.lead(name, *server_);
}

// Targets may lead to apps that the same change brings: those come first.
void LinkRole::reload(const ControlEvents& events) {
  if (!reloads_.concerned(events)) return;
  reload_due_ = options_.apps != nullptr && options_.apps->changing();
  if (!reload_due_) reload();
}

void LinkRole::reload() {
  reloads_.begin();
  reloads_.end(read_and_use());
}

Result<> LinkRole::read_and_use() {
  FISO_TRY(LinkFile read, options_.read());
  FISO_TRY(net::TlsContext listen_tls, next_listen_tls(read));
  FISO_TRY(link::Targets targets, make_targets(read));
  Ahead ahead(host_->parts.shards, targets);
  FISO_TRY_OK(wait_warm(targets));
  FISO_TRY_OK(credentials_->prepare(targets));
  FISO_TRY_OK(tokens_->prepare(producers_->all()));
  LinkFile next = file_;  // with all that can be taken over while it serves
  next.listen_tls = read.listen_tls;
  next.targets = std::move(read.targets);
  next.interceptors = std::move(read.interceptors);
  next.kafka = read.kafka;
  next.allow_origins = read.allow_origins;
  next.shutdown_timeout = read.shutdown_timeout;
  if (options_.speaks_of_process) host_->settings.shutdown_timeout = read.shutdown_timeout;
  reloads_.note_restart_needed(link_file_spec(registry_).changed(next, read));
  file_ = std::move(next);
  use(std::move(targets));
  watch_listen_tls();
  if (listen_tls != nullptr) server_->use_tls(std::move(listen_tls));
  return {};
}

// Whoever asks for https must not be answered in the clear, nor the other way round.
Result<net::TlsContext> LinkRole::next_listen_tls(const LinkFile& read) const {
  if (read.listen_tls.has_value() != file_.listen_tls.has_value())
    return Error(ErrorCode::kInvalidConfig,
                 "listenTls of " + file_.listen_addr + " cannot be switched on or off while it is served: restart");
  if (!read.listen_tls.has_value()) return net::TlsContext();
  return net::make_tls_server_context(read.listen_tls->options());
}

void LinkRole::watch_listen_tls() {
  listen_tls_files_.clear();
  if (!file_.listen_tls.has_value()) return;
  for (const std::string& path : {file_.listen_tls->cert_file, file_.listen_tls->key_file}) listen_tls_files_.emplace_back(path);
}

// What cannot be used is left alone, as of targets.
void LinkRole::renew_listen_tls() {
  auto tls = net::make_tls_server_context(file_.listen_tls->options());
  if (!tls.has_value())
    return host_->log.error("certificates cannot be used, the ones before stay in use",
                            {{"addr", file_.listen_addr}, {"error", tls.error().describe()}});
  server_->use_tls(std::move(*tls));
  host_->log.info("certificates have changed", {{"addr", file_.listen_addr}});
}

Duration LinkRole::look() {
  if (reload_due_ && !options_.apps->changing()) {
    reload_due_ = false;
    reload();
  }
  producers_->look_after();
  for (const auto& used : targets_) {
    bool changed = false;
    for (link::FileWatch& watch : tls_files_[used.target.get()]) changed = watch.has_changed() || changed;
    if (changed) renew_tls(*used.target);
  }
  bool changed = false;
  for (link::FileWatch& watch : listen_tls_files_) changed = watch.has_changed() || changed;
  if (changed) renew_listen_tls();
  return kFileLook;
}

// What cannot be used is left alone: certificate and key are two files, and one of them comes first.
void LinkRole::renew_tls(const link::Target& target) {
  const std::string& name = target.config.name;
  auto tls = net::make_tls_client_context(target.config.tls_settings().options());
  if (!tls.has_value()) {
    host_->log.error("certificates cannot be used, the ones before stay in use",
                     {{"target", name}, {"error", tls.error().describe()}});
    return;
  }
  host_->parts.shards.run_on_each([&](async::Shard& shard) { services_[shard.index()]->stack.set_tls(name, *tls); });
  host_->log.info("certificates have changed", {{"target", name}});
}

void LinkRole::begin_drain(MonotonicTime deadline) {
  if (server_ == nullptr) return;  // stopped while it started
  host_->parts.shards.run_on_each([&](async::Shard& shard) { services_[shard.index()]->stack.end_retries(); });
  server_->begin_drain();
  drained_ = std::async(std::launch::async, [this, deadline] { return server_->wait_drained(deadline); });
}

Drain LinkRole::drain_state() {
  if (!drained_.valid()) return Drain::kClean;
  if (drained_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return Drain::kUnderWay;
  return drained_.get() == net::HttpServer::Drained::kClean ? Drain::kClean : Drain::kCut;
}

void LinkRole::release() {
  if (host_ == nullptr) return;  // another role could not join
  for (const std::string& name : std::exchange(led_, {})) host_->local.forget(name);
  server_.reset();
  credentials_.reset();
  tokens_.reset();
  host_->parts.shards.run_on_each([&](async::Shard& shard) {
    if (shard.index() < services_.size()) services_[shard.index()].reset();
  });
  shown_.with([](link::Targets& shown) { shown.clear(); });
  targets_.clear();
  producers_.reset();
}

}  // namespace fiso::server
