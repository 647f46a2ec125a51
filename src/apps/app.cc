#include "apps/app.h"

#include <utility>

#include "apps/failures.h"
#include "apps/tcp_door.h"
#include "async/run_and_wait.h"
#include "async/spawn.h"
#include "net/streaming_service.h"

namespace fiso::apps {
namespace {

// Until the first success.
constexpr std::chrono::milliseconds kFirstProbes{50};

MonotonicTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

// Lets requests in while the app is healthy, up to maxInFlight at once.
class App::Door final : public net::HttpService, private net::StreamingService {
 public:
  Door(AppState& state, async::Limiter& in_flight, net::HttpService& app) : state_(state), in_flight_(in_flight), app_(app) {}
  Task<net::HttpResponse> call(net::HttpRequest& request) override {
    if (!co_await state_.enter()) co_return turned_away("the app is not healthy");
    Permit permit = co_await enter();
    if (!permit) co_return turned_away("the app is busy");
    co_return co_await app_.call(request);
  }
  net::StreamingService* streaming() override { return app_.streaming() == nullptr ? nullptr : this; }

 private:
  Task<> serve(net::HttpRequest& head, net::ServerExchange& exchange) override {
    bool healthy = co_await state_.enter();
    Permit permit = healthy ? co_await enter() : Permit();
    if (permit) co_return co_await app_.streaming()->serve(head, exchange);
    (void)co_await net::answer(exchange, turned_away(healthy ? "the app is busy" : "the app is not healthy"));
  }

  using Permit = async::Limiter::Permit;
  Task<Permit> enter() {
    if (Permit at_once = in_flight_.try_acquire()) co_return at_once;
    auto in_turn = co_await in_flight_.acquire(now() + kLongestWait);
    co_return in_turn.has_value() ? std::move(*in_turn) : Permit();
  }
  static net::HttpResponse turned_away(std::string why) { return to_response(Error(ErrorCode::kOverloaded, std::move(why))); }

  AppState& state_;
  async::Limiter& in_flight_;
  net::HttpService& app_;
};

// Asks the app how it is, again and again, on the first shard. Without a path it looks whether the app is ready, until it is.
struct App::Prober {
  Prober(App& owner, AppService& service)
      : app(owner), asked(service), stopped(owner.parts_.shards[0].executor()), ended(owner.parts_.shards[0].executor()) {}

  static Task<> run(std::shared_ptr<Prober> self) {
    const AppConfig& config = self->app.config_;
    for (int64_t failures = 0; !self->stopping;) {
      bool good = co_await self->ask();
      if (self->stopping) break;
      failures = good ? 0 : failures + 1;
      bool was_healthy = self->app.state_.get() == State::kHealthy;
      if (good) self->app.state_.set(State::kHealthy);
      if (was_healthy && failures >= config.unhealthy_threshold) self->app.state_.set(State::kUnhealthy);
      if (good && config.health_check.empty()) break;
      bool settled = self->app.state_.get() != State::kStarting;
      co_await self->stopped.wait(now() + (settled ? config.health_check_interval : Duration(kFirstProbes)));
    }
    self->ended.set();
  }

  static Task<> end(std::shared_ptr<Prober> self) {
    self->stopping = true;
    self->stopped.set();
    co_await self->ended.wait();
  }

  Task<bool> ask() {
    if (app.config_.health_check.empty()) co_return asked.ready();
    co_return co_await app.probe_.ask(asked);
  }

  App& app;
  AppService& asked;
  async::Signal stopped;
  async::Signal ended;
  bool stopping = false;
};

App::App(AppConfig config, AppParts parts)
    : config_(std::move(config)),
      parts_(std::move(parts)),
      state_(parts_.log.with({{"app", config_.name}}),
             parts_.metrics.gauge("fiso_app_healthy", "1 while the app is healthy.", {{"app", config_.name}})),
      use_(parts_.metrics, config_),
      in_flight_(parts_.shards, static_cast<uint64_t>(config_.max_in_flight), kMostWaiting) {}

App::~App() {
  if (!servers().empty()) stop(now());  // a guest that stays down stops the app, not its port
}

Result<> App::start() {
  state_.set(State::kStarting);
  FISO_TRY_OK(open_more_ports());  // first, so that none of the range takes one
  FISO_TRY_OK(open_port());
  services_.resize(parts_.shards.count());
  FISO_TRY_OK(make_services());
  parts_.shards.run_on_each([&](async::Shard& shard) {
    doors_[shard.index()] = make_door(shard);
    for (MorePort& more : more_ports_) more.doors[shard.index()] = make_tcp_door(more.port);
  });
  for (net::HttpServer* server : servers()) server->start();
  if (long_running_ != nullptr) {
    long_running_->open();
  } else {
    start_probing();
  }
  return {};
}

Result<> App::make_services() {
  FISO_TRY(wasm::Engine * engine, parts_.runtimes.find(config_.runtime));
  FISO_TRY(auto module, engine->load(config_.module));
  GuestPlace place = make_place();
  if (config_.runtime == wasm::Runtime::kFull) log_network_policy(parts_.log.with({{"app", config_.name}}), place.network);
  if (config_.execution == Execution::kLongRunning) return make_long_running(std::move(module), place);
  FISO_TRY(shared_, prepare_json_app(config_, place, std::move(module), parts_.capacity, parts_.metrics, parts_.log));
  parts_.shards.run_on_each(
      [&](async::Shard& shard) { services_[shard.index()] = std::make_unique<JsonApp>(shard, parts_.capacity, *shared_); });
  return {};
}

GuestPlace App::make_place() const {
  GuestPlace place{.port = server_->port(), .network = parts_.network.rules_of(config_.network), .use = &use_};
  if (config_.execution == Execution::kLongRunning) place.network.listen = {{.guest_port = place.port, .host = kAnyGuestPort}};
  for (const MorePort& more : more_ports_) place.network.listen.push_back({.guest_port = more.port, .host = kAnyGuestPort});
  return place;
}

Result<> App::make_long_running(std::shared_ptr<const wasm::Module> module, const GuestPlace& place) {
  LongRunning::Parts parts{.shards = parts_.shards,
                           .blocking = parts_.blocking,
                           .capacity = parts_.capacity,
                           .metrics = parts_.metrics,
                           .log = parts_.log,
                           .config = config_,
                           .state = state_,
                           .probe = probe_,
                           .largest_body = parts_.limits.body_bytes,
                           .place = place};
  FISO_TRY(long_running_, LongRunning::make(parts, std::move(module)));
  parts_.shards.run_on_each([&](async::Shard& shard) { services_[shard.index()] = long_running_->service_on(shard); });
  return {};
}

std::unique_ptr<net::HttpServer> App::make_server(int64_t port, std::vector<std::unique_ptr<net::HttpService>>& doors) {
  doors.resize(parts_.shards.count());
  std::string host = config_.listen_addr.empty() ? parts_.listen_addr : config_.listen_addr;
  return std::make_unique<net::HttpServer>(parts_.shards,
                                           parts_.commons.options(host + ":" + std::to_string(port), parts_.limits),
                                           [&doors](async::Shard& shard) -> net::HttpService& { return *doors[shard.index()]; });
}

std::unique_ptr<net::HttpService> App::make_door(async::Shard& shard) {
  if (config_.listen == Listen::kTcp) return make_tcp_door(server_->port());
  return std::make_unique<Door>(state_, in_flight_, *services_[shard.index()]);
}

std::unique_ptr<net::HttpService> App::make_tcp_door(uint16_t guest_port) {
  return std::make_unique<TcpDoor>(
      TcpDoor::Parts{.state = state_,
                     .private_port = [this, guest_port] { return long_running_->port_of(guest_port); },
                     .series = tcp_series(parts_.metrics, config_.name),
                     .log = parts_.log.with({{"app", config_.name}})});
}

std::vector<net::HttpServer*> App::servers() const {
  std::vector<net::HttpServer*> all;
  if (server_ != nullptr) all.push_back(server_.get());
  for (const MorePort& more : more_ports_)
    if (more.server != nullptr) all.push_back(more.server.get());
  return all;
}

Result<> App::open_more_ports() {
  if (!config_.network.has_value()) return {};
  more_ports_.resize(config_.network->listen.size());
  for (size_t i = 0; i < more_ports_.size(); ++i) {
    MorePort& more = more_ports_[i];
    more.port = static_cast<uint16_t>(config_.network->listen[i]);
    more.server = make_server(more.port, more.doors);
    FISO_TRY_OK(more.server->bind());
  }
  return {};
}

// A port of the range is tried by opening it: looking first and opening later would be a race.
Result<> App::open_port() {
  auto open = [&](int64_t port) {
    server_ = make_server(port, doors_);
    return server_->bind();
  };
  if (config_.port != 0) return open(config_.port);
  for (int64_t port = parts_.ports.min; port <= parts_.ports.max; ++port)
    if (open(port).has_value()) return {};
  return Error(ErrorCode::kUnavailable, "allocate port: no available ports in range " + std::to_string(parts_.ports.min) + "-" +
                                            std::to_string(parts_.ports.max));
}

void App::start_probing() {
  prober_ = std::make_shared<Prober>(*this, *services_[0]);
  async::spawn(parts_.shards[0], Prober::run(prober_));
}

void App::begin_stop() {
  state_.set(State::kStopping);
  for (net::HttpServer* server : servers()) server->begin_drain();
}

bool App::stop(MonotonicTime deadline) {
  begin_stop();
  bool clean = true;
  for (net::HttpServer* server : servers()) clean = server->wait_drained(deadline) == net::HttpServer::Drained::kClean && clean;
  end_probing();
  if (long_running_ != nullptr) long_running_->close(deadline);
  server_.reset();
  for (MorePort& more : more_ports_) more.server.reset();
  parts_.shards.run_on_each([&](async::Shard& shard) {
    if (shard.index() < doors_.size()) doors_[shard.index()].reset();
    for (MorePort& more : more_ports_)
      if (shard.index() < more.doors.size()) more.doors[shard.index()].reset();
    if (shard.index() < services_.size()) services_[shard.index()].reset();
  });
  state_.set(State::kStopped);
  return clean;
}

void App::end_probing() {
  if (prober_ == nullptr) return;
  async::run_and_wait(parts_.shards[0], [this] { return Prober::end(prober_); });
}

AppStatus App::status() const {
  AppStatus status{.name = config_.name,
                   .state = state_.get(),
                   .probes = probe_.asked(),
                   .failed_probes = probe_.failed(),
                   .cpu = use_.cpu(),
                   .memory = use_.memory(),
                   .resident = use_.resident()};
  if (server_ != nullptr) status.port = server_->port();
  if (long_running_ != nullptr) status.restarts = long_running_->restarts();
  return status;
}

}  // namespace fiso::apps
