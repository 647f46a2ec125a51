#include "apps/public_port.h"

#include <utility>

#include "net/streaming_service.h"

namespace fiso::apps {

PortKind kind_of(const AppConfig& app) {
  if (app.listen == Listen::kTcp) return PortKind::kBytes;
  return app.execution == Execution::kLongRunning ? PortKind::kStreams : PortKind::kRequests;
}

// The server asks once per connection how it is served; that answer is the same for all services that this leads to.
class PublicPort::Entrance final : public net::HttpService, private net::StreamingService {
 public:
  explicit Entrance(PortKind kind) : kind_(kind) {}

  Task<net::HttpResponse> call(net::HttpRequest& request) override { return service_->call(request); }
  net::StreamingService* streaming() override { return kind_ == PortKind::kStreams ? this : nullptr; }
  net::SpliceService* splicing() override { return service_->splicing(); }

  void lead_to(net::HttpService& service) { service_ = &service; }

 private:
  Task<> serve(net::HttpRequest& head, net::ServerExchange& exchange) override {
    return service_->streaming()->serve(head, exchange);
  }

  PortKind kind_;
  net::HttpService* service_ = nullptr;
};

PublicPort::PublicPort(const Parts& parts, std::string address, PortKind kind)
    : shards_(parts.shards),
      address_(std::move(address)),
      kind_(kind),
      server_(parts.shards, parts.commons.options(address_, parts.limits),
              [this](async::Shard& shard) -> net::HttpService& { return *entrances_[shard.index()]; }) {
  for (unsigned i = 0; i < shards_.count(); ++i) entrances_.push_back(std::make_unique<Entrance>(kind));
}

PublicPort::~PublicPort() = default;

Result<> PublicPort::open() { return server_.bind(); }

Result<> PublicPort::open_beside(const PublicPort& other) { return server_.bind_beside(other.server_); }

void PublicPort::lead_to(const std::vector<net::HttpService*>& services) {
  shards_.run_on_each([&](async::Shard& shard) { entrances_[shard.index()]->lead_to(*services[shard.index()]); });
  if (!std::exchange(serving_, true)) server_.start();
}

}  // namespace fiso::apps
