// The HTTP listeners of the process, and which generation answers on them.
//
// Listeners outlive generations: a reload opens the ports that are new before it takes effect, leaves those that stay
// alone, and drains those that are gone. Threading: control thread; `Current` below is each shard's own.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/server_commons.h"
#include "server/generation.h"
#include "server/role.h"

namespace fiso::server {

class Listeners {
 public:
  Listeners(async::ShardSet& shards, net::ServerLimits limits, net::ServerCommons& commons, observe::Log log);
  ~Listeners();

  // Opens what the generation needs and is not open yet, and reads the certificates of what is open again; on an error
  // everything stays as it was.
  Result<> open_for(const Generation& generation);
  // New requests go to this generation from now on. After open_for(). On an error, that of a guest that cannot be started ahead,
  // everything is as it was before open_for().
  Result<> serve(const std::shared_ptr<const Generation>& generation);

  // Lets no new connection begin anywhere; what is in flight is finished, without further attempts at sinks that are down, and
  // what is left at the deadline is cut.
  void begin_drain(MonotonicTime deadline);
  Drain drain_state() const;
  // Drops the shards' replicas, so that the last generation goes.
  void release();

  // Lets go of listeners that an earlier reload retired, once they are drained. Call now and then.
  void reap();
  bool has_retired() const { return !retired_.empty(); }

  // The port an address is bound to; for tests and logs.
  std::optional<uint16_t> port(const std::string& address) const;

 private:
  // A shard's current replica, and those before it that may still have requests.
  struct Current {
    std::shared_ptr<const GenerationReplica> replica;
    std::vector<std::weak_ptr<const GenerationReplica>> earlier;

    void replace(std::shared_ptr<const GenerationReplica> next);
    void end_retries() const;
  };
  class Router;
  struct Listener {
    std::vector<std::unique_ptr<Router>> routers;  // by shard; the server's services
    std::unique_ptr<net::HttpServer> server;
    std::optional<net::TlsServerOptions> tls;
    net::TlsContext next_tls;  // read by open_for(), used by serve()
    bool serving = false;
    std::shared_future<net::HttpServer::Drained> drained;  // of a retired one
  };
  Result<std::unique_ptr<Listener>> open(const std::string& address, const std::optional<net::TlsServerOptions>& tls);
  static Result<net::TlsContext> next_tls(const std::string& address, const Listener& listener,
                                          const std::optional<net::TlsServerOptions>& wanted);
  void lead_to(const Generation& generation);
  void forget_opened();
  void retire(std::unique_ptr<Listener> listener, MonotonicTime deadline);

  async::ShardSet& shards_;
  net::ServerLimits limits_;
  net::ServerCommons& commons_;
  observe::Log log_;
  std::vector<std::unique_ptr<Current>> current_;  // by shard
  std::map<std::string, std::unique_ptr<Listener>> open_;
  std::vector<std::unique_ptr<Listener>> retired_;
};

}  // namespace fiso::server
