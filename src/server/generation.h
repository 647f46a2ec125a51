// Everything that was built from one reading of the configuration: flows, their modules and pools, the routes to them.
//
// A generation is built beside the one that serves; nothing of it takes effect until every part of it is ready. Then each
// shard takes its new replica for new requests; a request that is under way keeps the replica it began with, and the
// old generation goes when the last such request has been answered. Listeners are not part of it: they outlive it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/stop_request.h"
#include "config/errors.h"
#include "flow/flow_plan.h"
#include "net/route_table.h"

namespace fiso::server {

class Generation;

// A shard's part. Shard-local; held by the requests that use it.
class GenerationReplica {
 public:
  GenerationReplica(std::shared_ptr<const Generation> generation, async::Shard& shard);
  net::HttpService* find(std::string_view address, std::string_view path) const;
  bool serves(std::string_view address) const;
  // The process stops: what waits for another attempt at a sink is answered.
  void end_retries() const;

 private:
  std::shared_ptr<const Generation> generation_;
  const net::RouteTable& routes_;
  std::vector<std::unique_ptr<flow::FlowReplica>> flows_;
};

// Immutable once built.
class Generation {
 public:
  // What builds share: the process's resources.
  struct Environment {
    async::ShardSet& shards;
    const core::Resources& resources;
    observe::Metrics& metrics;
    observe::Log log;
    StopRequest stop;  // ends the build with kCancelled
  };

  // Blocks while modules are compiled. Control thread. All that is wrong with any flow is in the error, a line each.
  static Result<std::shared_ptr<Generation>> build(const std::vector<flow::FlowDraft>& drafts, const Environment& environment);

  const net::RouteTables& routes() const { return routes_; }
  const std::vector<std::unique_ptr<flow::FlowPlan>>& flows() const { return flows_; }
  // Waits until what its replicas start ahead stands ready, at most `longest` and not beyond a stop. What takes longer is a
  // warning in the log; what can never be is the error, a line for each. Control thread.
  Result<> wait_warm(Duration longest) const;

 private:
  friend class GenerationReplica;
  Generation(unsigned shards, const Environment& environment) : stop_(environment.stop), log_(environment.log), routes_(shards) {}

  StopRequest stop_;
  observe::Log log_;
  mutable net::RouteTables routes_;
  std::vector<std::unique_ptr<flow::FlowPlan>> flows_;
};

}  // namespace fiso::server
