#include "server/listeners.h"

#include <algorithm>
#include <utility>

namespace fiso::server {
namespace {

constexpr std::chrono::seconds kRetirement{25};
constexpr std::chrono::seconds kLongestWarming{5};

// A line each.
Error all_of(std::vector<Error> problems) {
  if (problems.size() == 1) return std::move(problems.front());
  std::string lines;
  for (const Error& problem : problems) lines += (lines.empty() ? "" : "\n") + problem.describe();
  return Error(problems.front().code(), std::move(lines));
}

bool is_ready(const std::shared_future<net::HttpServer::Drained>& drained) {
  return drained.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace

// Finds the service for a request in the generation that is current when it arrives, and keeps that one until it is answered.
class Listeners::Router final : public net::HttpService {
 public:
  Router(const Current& current, std::string address) : current_(current), address_(std::move(address)) {}

  Task<net::HttpResponse> call(net::HttpRequest& request) override {
    std::shared_ptr<const GenerationReplica> replica = current_.replica;
    // Also for connections of a listener that a reload is closing: somebody else may answer there soon.
    if (replica == nullptr || !replica->serves(address_)) co_return not_ready();
    net::HttpService* service = replica->find(address_, request.path());
    if (service == nullptr) co_return net::text_response(404, "404 page not found");
    co_return co_await service->call(request);
  }

 private:
  static net::HttpResponse not_ready() {
    net::HttpResponse response = net::text_response(503, "handler not ready");
    response.headers.add("Retry-After", "1");
    return response;
  }

  const Current& current_;
  std::string address_;
};

void Listeners::Current::replace(std::shared_ptr<const GenerationReplica> next) {
  std::erase_if(earlier, [](const auto& one) { return one.expired(); });
  if (replica != nullptr) earlier.push_back(replica);
  replica = std::move(next);
}

void Listeners::Current::end_retries() const {
  if (replica != nullptr) replica->end_retries();
  for (const auto& one : earlier)
    if (auto alive = one.lock()) alive->end_retries();
}

Listeners::Listeners(async::ShardSet& shards, net::ServerLimits limits, net::ServerCommons& commons, observe::Log log)
    : shards_(shards), limits_(limits), commons_(commons), log_(std::move(log)) {
  for (unsigned i = 0; i < shards.count(); ++i) current_.push_back(std::make_unique<Current>());
}

Listeners::~Listeners() {
  open_.clear();
  retired_.clear();
  release();
}

Result<> Listeners::open_for(const Generation& generation) {
  std::map<std::string, std::unique_ptr<Listener>> added;
  std::map<Listener*, net::TlsContext> renewed;
  std::vector<Error> problems;
  for (const auto& [address, wanted] : generation.routes().listeners()) {
    if (auto known = open_.find(address); known != open_.end()) {
      auto context = next_tls(address, *known->second, wanted.tls);
      if (context.has_value())
        renewed[known->second.get()] = std::move(*context);
      else
        problems.push_back(context.take_error());
      continue;
    }
    auto opened = open(address, wanted.tls);
    if (opened.has_value())
      added[address] = std::move(*opened);
    else
      problems.push_back(opened.take_error());
  }
  if (!problems.empty()) return all_of(std::move(problems));
  for (auto& [listener, context] : renewed) listener->next_tls = std::move(context);
  open_.merge(added);
  return {};
}

// The files may be others than before, or have another content.
Result<net::TlsContext> Listeners::next_tls(const std::string& address, const Listener& listener,
                                            const std::optional<net::TlsServerOptions>& wanted) {
  if (listener.tls.has_value() != wanted.has_value()) {
    return Error(
        ErrorCode::kInvalidConfig,
        "http source: tls of " + address + " cannot be switched on or off while it is served: restart, or use another address");
  }
  if (!wanted.has_value()) return net::TlsContext();
  return net::make_tls_server_context(*wanted);
}

Result<std::unique_ptr<Listeners::Listener>> Listeners::open(const std::string& address,
                                                             const std::optional<net::TlsServerOptions>& tls) {
  auto listener = std::make_unique<Listener>();
  listener->tls = tls;
  for (auto& current : current_) listener->routers.push_back(std::make_unique<Router>(*current, address));
  listener->server = std::make_unique<net::HttpServer>(
      shards_, commons_.options(address, limits_, tls),
      [raw = listener.get()](async::Shard& shard) -> net::HttpService& { return *raw->routers[shard.index()]; });
  FISO_TRY_OK(listener->server->bind());
  return listener;
}

Result<> Listeners::serve(const std::shared_ptr<const Generation>& generation) {
  std::vector<std::shared_ptr<const GenerationReplica>> replicas(shards_.count());
  shards_.run_on_each(
      [&](async::Shard& shard) { replicas[shard.index()] = std::make_shared<const GenerationReplica>(generation, shard); });
  if (auto warm = generation->wait_warm(kLongestWarming); !warm.has_value()) {
    shards_.run_on_each([&](async::Shard& shard) { replicas[shard.index()].reset(); });
    forget_opened();
    return warm.take_error();
  }
  shards_.run_on_each([&](async::Shard& shard) { current_[shard.index()]->replace(std::move(replicas[shard.index()])); });
  lead_to(*generation);
  return {};
}

void Listeners::forget_opened() {
  std::erase_if(open_, [](const auto& entry) { return !entry.second->serving; });
  for (auto& [address, listener] : open_) listener->next_tls = nullptr;
}

void Listeners::lead_to(const Generation& generation) {
  const auto& wanted = generation.routes().listeners();
  for (auto entry = open_.begin(); entry != open_.end();) {
    auto& [address, listener] = *entry;
    auto still = wanted.find(address);
    if (still == wanted.end()) {
      log_.info("http pool server stopping", {{"addr", address}});
      retire(std::move(listener), Clock::system().now() + kRetirement);
      entry = open_.erase(entry);
      continue;
    }
    listener->tls = still->second.tls;
    if (listener->next_tls != nullptr) listener->server->use_tls(std::exchange(listener->next_tls, nullptr));
    if (!listener->serving) {
      log_.info("http pool server starting",
                {{"addr", address}, {"port", listener->server->port()}, {"routes", still->second.paths.size()}});
      listener->serving = true;
      listener->server->start();
    }
    ++entry;
  }
}

void Listeners::retire(std::unique_ptr<Listener> listener, MonotonicTime deadline) {
  listener->server->begin_drain();
  listener->drained = listener->server->finish_drain(deadline);
  retired_.push_back(std::move(listener));
}

void Listeners::reap() {
  std::erase_if(retired_, [](const auto& listener) { return is_ready(listener->drained); });
}

void Listeners::begin_drain(MonotonicTime deadline) {
  for (auto& [address, listener] : open_) retire(std::move(listener), deadline);
  open_.clear();
  shards_.run_on_each([&](async::Shard& shard) { current_[shard.index()]->end_retries(); });
}

Drain Listeners::drain_state() const {
  for (const auto& listener : retired_)
    if (!is_ready(listener->drained)) return Drain::kUnderWay;
  bool clean = std::ranges::all_of(
      retired_, [](const auto& listener) { return listener->drained.get() == net::HttpServer::Drained::kClean; });
  return clean ? Drain::kClean : Drain::kCut;
}

void Listeners::release() {
  shards_.run_on_each([&](async::Shard& shard) { current_[shard.index()]->replica.reset(); });
}

std::optional<uint16_t> Listeners::port(const std::string& address) const {
  auto listener = open_.find(address);
  if (listener == open_.end()) return std::nullopt;
  return listener->second->server->port();
}

}  // namespace fiso::server
