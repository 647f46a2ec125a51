// Alive and ready: what /healthz and /readyz say.
//
// Ready means that every condition that was named (listeners bound, modules compiled) holds and that the process is not
// draining. Thread-safe.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/guarded.h"

namespace fiso::observe {

class Health {
 public:
  struct Answer {
    int status;
    std::string body;  // application/json, with its newline
  };

  // The conditions; none holds yet.
  explicit Health(std::initializer_list<std::string_view> conditions);

  // The condition is added if it is new.
  void set_ready(std::string_view condition) { set(condition, State::kReady); }
  void set_not_ready(std::string_view condition) { set(condition, State::kNotReady); }
  // From now on not ready, for good.
  void start_draining();

  bool ready() const { return waiting_for().empty(); }
  // Which conditions do not hold, in the order they were named; "drain" while draining.
  std::vector<std::string> waiting_for() const;

  Answer liveness() const;
  Answer readiness() const;

 private:
  enum class State { kNotReady, kReady };
  struct Conditions {
    std::vector<std::pair<std::string, State>> named;
    State drain = State::kReady;
  };
  void set(std::string_view condition, State state);

  mutable Guarded<Conditions> conditions_;
};

}  // namespace fiso::observe
