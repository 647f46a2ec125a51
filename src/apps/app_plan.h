// What a changed apps.yaml means for the apps that run: which stay as they are, which are replaced, added, removed, and which
// port each has.
//
// A pure function. Apps are the same by their name, and unchanged if all of their configuration, what the module's file holds and
// their port are. An app without a port of its own keeps the one it was given, unless another names that port now.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/app_config.h"

namespace fiso::apps {

// An app as a file asks for it.
struct WantedApp {
  AppConfig config;
  std::string module_digest;  // of the file's content
};

// An app that runs.
struct AppInForce {
  WantedApp as;
  uint16_t port = 0;  // that it really has
};

enum class AppStep { kStays, kReplaced, kAdded };

struct PlannedApp {
  AppStep step = AppStep::kAdded;
  std::optional<size_t> before;  // which of those that run it is
  uint16_t port = 0;             // 0: a free one of the range, which is to be found
};

struct AppPlan {
  std::vector<PlannedApp> apps;  // as they are wanted
  std::vector<size_t> removed;   // of those that run
};

// Names and ports of the wanted ones differ from each other.
AppPlan plan_apps(std::span<const AppInForce> running, std::span<const WantedApp> wanted);

// By member, the number of its group, counted from 0 in the order of their first members: those that name an address in common
// are of one group, and so are those that do with one of its members.
std::vector<size_t> group_by_addresses(std::span<const std::vector<std::string>> members);

}  // namespace fiso::apps
