// Whether what a guest is told at its start fits into one message to its worker process. The same for interceptors and apps.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "components/guest_network.h"
#include "config/struct_spec.h"

namespace fiso {

// Each is reported at its key: `args`, `env`, `preopens`, `network`.
struct GuestWords {
  const std::vector<std::string>& args;
  const std::map<std::string, Secret>& env;
  const std::map<std::string, std::string>& preopens;
  const std::optional<GuestNetwork>& network;
};

// The key with the largest part is told, where all are too large together.
void check_guest_words(const GuestWords& words, config::Report& report);

}  // namespace fiso
