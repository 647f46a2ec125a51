// Makes the light engine as the settings have it.
#pragma once

#include "server/flow_server.h"

namespace fiso::program {

Result<std::unique_ptr<wasm::Engine>> make_light_engine(const server::EngineParts& parts);

}  // namespace fiso::program
