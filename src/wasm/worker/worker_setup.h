// What a worker process is told before it loads its guest: the setup packet.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "wasm/engine.h"

namespace fiso::wasm::worker {

enum class WorkerKind { kForkServer, kAlone };

struct WorkerSetup {
  WorkerKind kind = WorkerKind::kForkServer;
  std::shared_ptr<const GuestSetup> guest;
  Bytes stack = 512_KiB;
  // Of the guest's in-memory root: what its files hold together, and how many there are, directories and links included.
  Bytes files_memory = 16_MiB;
  uint64_t files = 4096;
};

// kInvalidConfig if it is larger than a packet may be.
Result<std::string> setup_packet(const WorkerSetup& setup);

}  // namespace fiso::wasm::worker
