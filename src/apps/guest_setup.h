// What an app's guests are made with: arguments, environment, directories, limits and network, from its configuration.
#pragma once

#include <memory>

#include "apps/app_config.h"
#include "wasm/engine.h"

namespace fiso::apps {

// `port`: what the guest finds as PORT. Opens the directories. The error is the operator's to read.
Result<std::shared_ptr<wasm::GuestSetup>> make_guest_setup(const AppConfig& config, int64_t port, const wasm::Module& module);

}  // namespace fiso::apps
