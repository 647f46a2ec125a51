// The interceptors of a target: those of its requests and those of its answers.
//
// They are made anew by each reading of the link file, while the target itself may stay. Threading: the plan is immutable and
// shared, made by the control thread; Interceptions are shard-local, held by the requests that use them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/chain.h"
#include "core/component.h"
#include "link/measured_interceptor.h"

namespace fiso::link {

class InterceptionPlan;

struct Interceptions {
  std::shared_ptr<const InterceptionPlan> plan;  // what it made refers to it; a reading of the file may have dropped it meanwhile
  core::Chain requests, answers;
};

using InterceptorDrafts = std::vector<core::Draft<core::Interceptor>>;

// What is wrong with the target's interceptor `index`, with its place in the file.
Error with_place(const std::string& target, size_t index, const core::Draft<core::Interceptor>& draft, Error error);

class InterceptionPlan : public std::enable_shared_from_this<InterceptionPlan> {
 public:
  // Blocks while modules are compiled. The error is the operator's to read; kCancelled when the process stops meanwhile.
  static Result<std::shared_ptr<const InterceptionPlan>> prepare(const std::string& target, const InterceptorDrafts& drafts,
                                                                 core::Resources& resources, observe::Metrics& metrics,
                                                                 const observe::Log& log);

  // True once what is started ahead for it stands ready; an error, the operator's to read, if it never will. Thread-safe.
  Result<bool> warm() const;
  // On the shard. What was made ahead there, if it was; keeps the plan.
  std::shared_ptr<Interceptions> make(async::Shard& shard) const;
  // On the shard: starts what is started ahead. Whoever does so sees to it that what nobody asked for is dropped.
  void make_ahead(async::Shard& shard) const { ahead_[shard.index()] = make(shard); }
  void drop_ahead(async::Shard& shard) const { ahead_[shard.index()].reset(); }

 private:
  struct Part {
    std::shared_ptr<const core::Plan<core::Interceptor>> plan;
    std::function<Error(Error)> placed;  // what is wrong with it, with its place
    std::unique_ptr<const InterceptorSeries> series;
  };
  std::vector<Part> requests_, answers_;
  mutable std::vector<std::shared_ptr<Interceptions>> ahead_;  // each shard's own
};

}  // namespace fiso::link
