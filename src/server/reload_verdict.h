// What became of the last attempt to read the configuration. Thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/guarded.h"

namespace fiso::server {

class ReloadVerdicts {
 public:
  // `error` is empty if it took effect.
  void record(std::string error, Duration took);

  // {"generation":2,"attempts":3,"status":"ok","duration_ms":1.5,"error":"..."}: generation counts those that took effect.
  std::string to_json();

 private:
  struct State {
    uint64_t generation = 0;
    uint64_t attempts = 0;
    std::string error;
    Duration took{0};
  };
  Guarded<State> state_;
};

}  // namespace fiso::server
