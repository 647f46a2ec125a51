#include "apps/app.h"

#include <algorithm>
#include <utility>

#include "apps/failures.h"
#include "apps/tcp_door.h"
#include "async/gate.h"
#include "async/run_and_wait.h"
#include "async/spawn.h"
#include "net/streaming_service.h"

namespace fiso::apps {
namespace {

// Until the first success.
constexpr std::chrono::milliseconds kFirstProbes{50};
constexpr std::chrono::milliseconds kTurn{20};  // of waiting for what is under way

MonotonicTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

// Lets requests in while the app is healthy, up to maxInFlight at once, and knows how many are inside.
class App::Door final : public net::HttpService, public AppCallee, private net::StreamingService {
 public:
  Door(App& owner, async::Shard& shard, AppService& app)
      : name_(owner.name()), state_(owner.state_), in_flight_(owner.in_flight_), app_(app), inside_(shard.executor()) {}
  Task<net::HttpResponse> call(net::HttpRequest& request) override {
    async::Gate::Pass pass = inside_.enter();
    if (!co_await state_.enter()) co_return turned_away("the app is not healthy");
    Permit permit = co_await enter();
    if (!permit) co_return turned_away("the app is busy");
    co_return co_await app_.call(request);
  }
  Task<Result<AppReply>> ask(const AppCall& call) override {
    async::Gate::Pass pass = inside_.enter();
    if (!co_await state_.enter())
      co_return Error(ErrorCode::kOverloaded,
                      "app \"" + name_ + "\" is not healthy (status: " + std::string(to_string(state_.get())) + ")");
    Permit permit = co_await enter();
    if (!permit) co_return Error(ErrorCode::kOverloaded, "app \"" + name_ + "\" is busy");
    co_return co_await app_.ask(call);
  }
  net::StreamingService* streaming() override { return app_.streaming() == nullptr ? nullptr : this; }

  // True when nobody is inside; false if the deadline came first.
  Task<bool> wait_empty(MonotonicTime deadline) { co_return co_await inside_.wait_empty(deadline); }

 private:
  Task<> serve(net::HttpRequest& head, net::ServerExchange& exchange) override {
    async::Gate::Pass pass = inside_.enter();
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

  const std::string& name_;
  AppState& state_;
  async::Limiter& in_flight_;
  AppService& app_;
  async::Gate inside_;
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
    self->asked.stop_probe();
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

App::App(AppConfig config, uint16_t port, AppParts parts)
    : config_(std::move(config)),
      port_(port),
      parts_(std::move(parts)),
      series_(std::make_shared<const observe::SeriesGroup>(parts_.metrics, observe::Labels{{"app", config_.name}})),
      state_(parts_.log.with({{"app", config_.name}}), StateGauges(*series_), Shown::kNo),
      use_(series_, config_.runtime),
      in_flight_(parts_.shards, static_cast<uint64_t>(config_.max_in_flight), kMostWaiting) {}

App::~App() {
  end_by(now());
  stop(now());
  release();
}

Result<> App::start() {
  state_.set(State::kStarting);
  locals_.resize(parts_.shards.count());
  FISO_TRY_OK(make_services());
  parts_.shards.run_on_each([this](async::Shard& shard) { make_doors(shard); });
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
  FISO_TRY(shared_, prepare_json_app(config_, place, std::move(module), parts_.capacity, parts_.log));
  parts_.shards.run_on_each(
      [&](async::Shard& shard) { locals_[shard.index()].service = std::make_unique<JsonApp>(shard, parts_.capacity, *shared_); });
  return {};
}

GuestPlace App::make_place() const {
  GuestPlace place{.port = port_, .network = parts_.network.rules_of(config_.network), .series = series_, .use = &use_};
  if (config_.execution == Execution::kLongRunning) place.network.listen = {{.guest_port = port_, .host = kAnyGuestPort}};
  for (int64_t port : config_.more_ports())
    place.network.listen.push_back({.guest_port = static_cast<uint16_t>(port), .host = kAnyGuestPort});
  return place;
}

Result<> App::make_long_running(std::shared_ptr<const wasm::Module> module, const GuestPlace& place) {
  LongRunning::Parts parts{.shards = parts_.shards,
                           .blocking = parts_.blocking,
                           .capacity = parts_.capacity,
                           .log = parts_.log,
                           .config = config_,
                           .state = state_,
                           .probe = probe_,
                           .largest_body = parts_.limits.body_bytes,
                           .place = place,
                           .begin_probing = [this] { start_probing(); }};
  FISO_TRY(long_running_, LongRunning::make(parts, std::move(module)));
  parts_.shards.run_on_each([&](async::Shard& shard) { locals_[shard.index()].service = long_running_->service_on(shard); });
  return {};
}

void App::make_doors(async::Shard& shard) {
  Local& local = locals_[shard.index()];
  if (config_.listen == Listen::kTcp) {
    local.tcp_door = make_tcp_door(port_);
  } else {
    local.door = std::make_unique<Door>(*this, shard, *local.service);
  }
  for (int64_t port : config_.more_ports()) local.more.push_back(make_tcp_door(static_cast<uint16_t>(port)));
}

std::unique_ptr<net::HttpService> App::make_tcp_door(uint16_t guest_port) {
  return std::make_unique<TcpDoor>(
      TcpDoor::Parts{.state = state_,
                     .private_port = [this, guest_port] { return long_running_->port_of(guest_port); },
                     .series = tcp_series(*series_),
                     .log = parts_.log.with({{"app", config_.name}})});
}

std::vector<net::HttpService*> App::services() const {
  std::vector<net::HttpService*> all;
  for (const Local& local : locals_)
    all.push_back(local.door != nullptr ? static_cast<net::HttpService*>(local.door.get()) : local.tcp_door.get());
  return all;
}

std::vector<net::HttpService*> App::services_of(size_t listen) const {
  std::vector<net::HttpService*> all;
  for (const Local& local : locals_) all.push_back(local.more[listen].get());
  return all;
}

AppCallee* App::callee(const async::Shard& shard) const { return locals_[shard.index()].door.get(); }

void App::start_probing() {
  prober_ = std::make_shared<Prober>(*this, *locals_[0].service);
  async::spawn(parts_.shards[0], Prober::run(prober_));
}

// Connections that carry bytes have been ended with their ports.
bool App::look_empty(MonotonicTime deadline) {
  bool empty = true;
  for (unsigned i = 0; i < locals_.size(); ++i)
    if (Door* door = locals_[i].door.get(); door != nullptr)
      empty = async::run_and_wait(parts_.shards[i], [&] { return door->wait_empty(deadline); }) && empty;
  return empty;
}

// In turns: end_by() may come meanwhile.
bool App::wait_empty(MonotonicTime deadline) {
  for (;;) {
    MonotonicTime until = std::min(deadline, end_by_.load());
    if (look_empty(std::min(until, now() + kTurn))) return true;
    if (now() >= until) return false;
  }
}

void App::end_by(MonotonicTime deadline) { end_by_ = deadline; }

bool App::stop(MonotonicTime deadline) {
  if (std::exchange(stopped_, true)) return true;
  bool clean = wait_empty(deadline);
  state_.set(State::kStopping);
  if (long_running_ != nullptr) long_running_->close(deadline);  // which begins no probing any more
  end_probing();
  state_.set(State::kStopped);
  return clean;
}

void App::cut() {
  parts_.shards.run_on_each([this](async::Shard& shard) {
    if (shard.index() < locals_.size() && locals_[shard.index()].service != nullptr) locals_[shard.index()].service->cut();
  });
}

bool App::release() {
  bool clean = wait_empty(kNever);
  if (!clean) {
    cut();
    look_empty(kNever);
  }
  parts_.shards.run_on_each([this](async::Shard& shard) {
    if (shard.index() < locals_.size()) locals_[shard.index()] = Local();
  });
  return clean;
}

void App::end_probing() {
  if (prober_ == nullptr) return;
  async::run_and_wait(parts_.shards[0], [this] { return Prober::end(prober_); });
}

AppStatus App::status() const {
  AppStatus status{.name = config_.name,
                   .state = state_.get(),
                   .host = host_of(config_, parts_.listen_addr),
                   .port = port_,
                   .start_timeout = config_.start_timeout,
                   .probes = probe_.asked(),
                   .failed_probes = probe_.failed(),
                   .cpu = use_.cpu(),
                   .memory = use_.memory(),
                   .resident = use_.resident()};
  if (long_running_ != nullptr) status.restarts = long_running_->restarts();
  return status;
}

}  // namespace fiso::apps
