// What an app's guests are made with: arguments, environment, directories, limits and network, from its configuration.
#pragma once

#include <memory>

#include "apps/app_config.h"
#include "apps/use_metrics.h"
#include "core/resources.h"
#include "wasm/engine.h"

namespace fiso::apps {

// The address in the block that is reserved for guests where all of them listen, each on a port that the system chooses.
inline constexpr char kGuestAddress[] = "127.64.0.1";
inline constexpr char kAnyGuestPort[] = "127.64.0.1:0";

// What the process gives the guests of an app.
struct GuestPlace {
  uint16_t port = 0;  // found as PORT
  wasm::NetworkRules network;
  std::shared_ptr<const observe::SeriesGroup> series;  // of the app; they live as long as any of its guests
  const UseMetrics* use = nullptr;                     // what they use is shown there; may be null
};

// Opens the directories. The error is the operator's to read.
Result<std::shared_ptr<wasm::GuestSetup>> make_guest_setup(const AppConfig& config, const GuestPlace& place,
                                                           const wasm::Module& module);

// Compiles the app's module, as a start does, and keeps nothing: for who only wants to know. Asks for wasm::Runtimes. Blocks;
// control thread.
Result<> compile_app(const AppConfig& config, const core::Resources& resources);

}  // namespace fiso::apps
