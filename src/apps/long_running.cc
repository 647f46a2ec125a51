#include "apps/long_running.h"

#include <utility>

#include "apps/failures.h"
#include "async/run_and_wait.h"
#include "async/spawn.h"

namespace fiso::apps {
namespace {

MonotonicTime now() { return std::chrono::steady_clock::now(); }

observe::Gauge& mode_gauge(const observe::SeriesGroup& app, const char* effective) {
  return app.gauge("fiso_app_mode", "1 for the mode that the app really runs in.",
                   {{"declared", "longRunning"}, {"effective", effective}});
}

}  // namespace

// Passes requests to the guest that lives on, the way it takes them, or, once it has turned out not to live on, to fresh ones.
class LongRunning::Service final : public AppService, private net::StreamingService {
 public:
  Service(LongRunning& owner, async::Shard& shard, const ResidentParts& parts)
      : owner_(owner), shard_(shard), http_(parts), lines_(parts) {}
  ~Service() override { owner_.services_[shard_.index()] = nullptr; }

  net::StreamingService* streaming() override { return this; }
  Task<net::HttpResponse> call(net::HttpRequest&) override { co_return net::text_response(500, "requests are streamed"); }
  Task<Result<AppReply>> ask(const AppCall& call) override {
    if (fresh_ == nullptr && owner_.supervisor_->serves() != Serves::kLines) co_return co_await http_.ask(call);
    if (fresh_ == nullptr) {
      auto answered = co_await lines_.ask(call);
      if (answered.has_value() || answered.error().code() != ErrorCode::kCancelled) co_return answered;
      // It was not given to the guest, which turned out to answer once: fresh ones stand ready in a moment.
      if (!co_await owner_.parts_.state.enter() || fresh_ == nullptr)
        co_return Error(ErrorCode::kOverloaded, answered.error().message());
    }
    co_return co_await fresh_->ask(call);
  }
  Task<int> probe(net::HttpRequest& request, MonotonicTime deadline) override {
    if (fresh_ != nullptr) return fresh_->probe(request, deadline);
    return owner_.supervisor_->serves() == Serves::kLines ? lines_.probe(request, deadline) : http_.probe(request, deadline);
  }
  void stop_probe() override {
    if (fresh_ != nullptr) fresh_->stop_probe();
  }
  void cut() override {
    if (fresh_ != nullptr) fresh_->cut();
  }
  bool ready() const override { return fresh_ != nullptr || owner_.supervisor_->serves() != Serves::kNothingYet; }

  void use_fresh_instances(const JsonAppShared& shared) {
    fresh_ = std::make_unique<JsonApp>(shard_, owner_.parts_.capacity, shared);
  }

 private:
  Task<> serve(net::HttpRequest& head, net::ServerExchange& exchange) override {
    if (fresh_ == nullptr && owner_.supervisor_->serves() != Serves::kLines) co_return co_await http_.serve(head, exchange);
    if (!co_await read_whole(head, exchange)) co_return;
    net::HttpResponse response = co_await answer_to(head);
    (void)co_await net::answer(exchange, response);
  }

  Task<net::HttpResponse> answer_to(net::HttpRequest& request) {
    if (fresh_ == nullptr) {
      auto answered = co_await lines_.call(request);
      if (answered.has_value()) co_return std::move(*answered);
      // It was not given to the guest, which turned out to answer once: fresh ones stand ready in a moment.
      if (!co_await owner_.parts_.state.enter() || fresh_ == nullptr) co_return to_response(answered.error());
    }
    co_return co_await fresh_->call(request);
  }

  // Guests that take JSON are given a request as a whole. False: the client has been answered, or is gone.
  Task<bool> read_whole(net::HttpRequest& head, net::ServerExchange& exchange) {
    std::string body;
    for (;;) {
      Result<std::string_view> piece = co_await exchange.read();
      if (!piece.has_value()) co_return false;
      if (piece->empty()) break;
      body += *piece;
      if (body.size() > owner_.parts_.largest_body.count) {
        (void)co_await net::answer(exchange, net::text_response(413, "request body too large"));
        co_return false;
      }
    }
    head.body = std::move(body);
    co_return true;
  }

  LongRunning& owner_;
  async::Shard& shard_;
  ResidentHttp http_;
  ResidentLines lines_;
  std::unique_ptr<JsonApp> fresh_;
};

Result<std::unique_ptr<LongRunning>> LongRunning::make(const Parts& parts, std::shared_ptr<const wasm::Module> module) {
  FISO_TRY(std::shared_ptr<wasm::GuestSetup> setup, make_guest_setup(parts.config, parts.place, *module));
  return std::unique_ptr<LongRunning>(new LongRunning(parts, std::move(module), std::move(setup)));
}

LongRunning::LongRunning(const Parts& parts, std::shared_ptr<const wasm::Module> module,
                         std::shared_ptr<const wasm::GuestSetup> setup)
    : parts_(parts),
      log_(parts.log.with({{"app", parts.config.name}})),
      module_(std::move(module)),
      traffic_(*parts.place.series),
      lives_on_(mode_gauge(*parts.place.series, "longRunning")),
      per_request_(mode_gauge(*parts.place.series, "perRequest")),
      home_(parts.place.port % parts.shards.count()),
      services_(parts.shards.count()),
      peers_(std::make_shared<ResidentPeers>(parts.shards)) {
  auto& restarts = parts.place.series->counter("fiso_app_restarts_total", "Guests that were started again.");
  supervisor_ = std::make_shared<Supervisor>(Supervisor::Parts{.shard = parts.shards[home_],
                                                               .config = parts_.config,
                                                               .module = module_,
                                                               .setup = std::move(setup),
                                                               .state = parts_.state,
                                                               .log = log_,
                                                               .restarts = restarts});
}

LongRunning::~LongRunning() { show_mode(nullptr); }

std::unique_ptr<AppService> LongRunning::service_on(async::Shard& shard) {
  auto service = std::make_unique<Service>(*this, shard,
                                           ResidentParts{.shard = shard,
                                                         .home = parts_.shards[home_],
                                                         .blocking = parts_.blocking,
                                                         .supervisor = supervisor_,
                                                         .peers = peers_,
                                                         .config = parts_.config,
                                                         .largest_body = parts_.largest_body,
                                                         .traffic = traffic_,
                                                         .log = log_});
  services_[shard.index()] = service.get();
  return service;
}

void LongRunning::open() {
  if (parts_.config.speaks() == Protocol::kJsonOnce) return serve_per_request();
  opened_ = true;
  show_mode(&lives_on_);
  Supervisor::Care care;
  if (!parts_.config.health_check.empty()) care.is_well = [this] { return parts_.probe.ask(*services_[home_]); };
  care.answers_once = [this] {
    log_.warn("app answers once, its guest runs once per request", {{"declared", "longRunning"}, {"effective", "perRequest"}});
    serve_per_request();
  };
  parts_.shards.run_on(home_, [&](async::Shard&) { supervisor_->open(std::move(care)); });
}

void LongRunning::close(MonotonicTime deadline) {
  async::run_and_wait(parts_.shards[home_], [&] { return end(deadline); });
}

Task<> LongRunning::end(MonotonicTime deadline) {
  if (std::exchange(opened_, false)) co_await supervisor_->close(deadline);
  while (preparing_) co_await async::sleep_until(now() + std::chrono::milliseconds(1));
}

void LongRunning::serve_per_request() {
  show_mode(&per_request_);
  preparing_ = true;
  async::spawn(parts_.shards[home_], prepare_per_request());
}

void LongRunning::show_mode(observe::Gauge* mode) {
  if (mode_ != nullptr) mode_->decrement();
  if (mode != nullptr) mode->increment();
  mode_ = mode;
}

Task<> LongRunning::prepare_per_request() {
  auto prepared = co_await parts_.blocking.run(
      [this] { return prepare_json_app(parts_.config, parts_.place, module_, parts_.capacity, parts_.log); });
  if (!prepared.has_value() || !prepared->has_value()) {
    const Error& error = prepared.has_value() ? prepared->error() : prepared.error();
    log_.error("app guest failed to start", {{"error", error.describe()}});
    parts_.state.set(State::kStopped);
    preparing_ = false;
    co_return;
  }
  json_ = std::move(**prepared);
  auto left = std::make_shared<std::atomic<unsigned>>(parts_.shards.count());
  for (unsigned i = 0; i < parts_.shards.count(); ++i)
    parts_.shards[i].post([this, i, left] {
      if (services_[i] != nullptr) services_[i]->use_fresh_instances(*json_);
      if (left->fetch_sub(1) != 1) return;
      if (parts_.state.get() != State::kStopping) parts_.begin_probing();
      preparing_ = false;
    });
}

}  // namespace fiso::apps
