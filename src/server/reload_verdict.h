// What became of the last attempt to read the configuration. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"

namespace fiso::server {

class ReloadVerdicts {
 public:
  // `error` is empty if it took effect; `restart_needed` are keys of the settings that did not.
  void record(std::string error, Duration took, std::vector<std::string> restart_needed = {});

  // {"generation":2,"attempts":3,"status":"ok","duration_ms":1.5,"error":"...","restart_needed":["shards"]}: generation counts
  // those that took effect; the last two are absent when there is nothing to tell.
  std::string to_json() const;

 private:
  struct State {
    uint64_t generation = 0;
    uint64_t attempts = 0;
    std::string error;
    Duration took{0};
    std::vector<std::string> restart_needed;
  };
  mutable Guarded<State> state_;
};

}  // namespace fiso::server
