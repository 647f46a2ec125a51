// A port where an app answers: what listens on it, and to which app what comes in goes.
//
// It may outlive the app: requests that come after lead_to() go to the next one, on connections that are open already too. Where
// that one takes connections of another kind, or takes none of ours (bytes), it gets a PublicPort of its own at the same port,
// and this one comes to its end. Control thread, but for wait_drained(), which any one thread may call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "apps/app_config.h"
#include "net/http_server.h"
#include "net/server_commons.h"

namespace fiso::apps {

// How an app takes what comes in: whole requests, requests as streams, or bytes of whatever protocol.
enum class PortKind { kRequests, kStreams, kBytes };
PortKind kind_of(const AppConfig& app);

class PublicPort {
 public:
  using Ptr = std::unique_ptr<PublicPort>;
  // What all ports of the process share; borrowed.
  struct Parts {
    async::ShardSet& shards;
    net::ServerCommons& commons;
    net::ServerLimits limits;
  };
  PublicPort(const Parts& parts, std::string address, PortKind kind);
  ~PublicPort();
  PublicPort(const PublicPort&) = delete;

  Result<> open();
  // In place of open(): at the port of another one, which serves.
  Result<> open_beside(const PublicPort& other);
  // In place of open(): at no port, for who comes from inside the process.
  void open_inside() { server_.bind_nowhere(); }

  // New requests go to these services, by shard, from now on; serves from the first call on. They must be there as long as
  // anything that went to them is under way. For kBytes: once.
  void lead_to(const std::vector<net::HttpService*>& services);

  uint16_t port() const { return server_.port(); }
  net::HttpServer& server() { return server_; }
  const std::string& address() const { return address_; }
  PortKind kind() const { return kind_; }

  using Drained = net::HttpServer::Drained;
  void begin_drain(net::HttpServer::Port port) { server_.begin_drain(port); }
  Drained wait_drained(MonotonicTime deadline) { return server_.wait_drained(deadline); }

 private:
  class Entrance;

  async::ShardSet& shards_;
  std::string address_;
  PortKind kind_;
  std::vector<std::unique_ptr<Entrance>> entrances_;  // by shard
  net::HttpServer server_;
  bool serving_ = false;
};

}  // namespace fiso::apps
