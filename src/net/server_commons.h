// What all servers of a process have in common, made from one ServerLimits: connections, memory for bodies, and where it is told
// what they refuse.
//
// Thread-safe; outlives the servers.
#pragma once

#include <utility>

#include "net/body_budget.h"
#include "net/connection_budget.h"
#include "net/http_server.h"
#include "net/refusals.h"

namespace fiso::net {

struct ServerCommons {
  ServerCommons(async::ShardSet& shards, const ServerLimits& limits, observe::Metrics& metrics, observe::Log log)
      : bodies(shards, limits.total_body_bytes,
               metrics.counter("fiso_http_bodies_refused_total",
                               "Requests refused because too many request bodies were in memory.")),
        connections(limits.connections),
        refusals(metrics, std::move(log)),
        shown_bodies_(metrics.gauge("fiso_http_body_bytes", "Request bodies and heads in memory, those up to 16 KiB left out.")),
        shown_connections_(metrics.gauge("fiso_http_connections", "Connections that are open.")) {}

  // Options of a server that takes part.
  ServerOptions options(std::string address, const ServerLimits& limits, std::optional<TlsServerOptions> tls = {}) {
    return {std::move(address), limits, std::move(tls), &bodies, &connections, &refusals};
  }

  // Brings the gauges up to date.
  void show() {
    shown_bodies_.set(static_cast<double>(bodies.bytes.in_use()));
    shown_connections_.set(static_cast<double>(connections.open()));
  }

  BodyBudget bodies;
  ConnectionBudget connections;
  RefusalReport refusals;

 private:
  observe::Gauge& shown_bodies_;
  observe::Gauge& shown_connections_;
};

}  // namespace fiso::net
