// What a process that serves is made of before its first flow or app: shards, the threads that may block, and what is limited
// over all of them.
//
// Made once its settings are known. Control thread; outlives all that lives on the shards.
#pragma once

#include <memory>
#include <string>

#include "async/blocking_pool.h"
#include "net/server_commons.h"
#include "server/admin.h"
#include "server/settings.h"
#include "wasm/capacity.h"
#include "wasm/process_meter.h"

namespace fiso::server {

wasm::CapacityOptions capacity_options(const WasmSettings& settings);

struct ProcessParts {
  ProcessParts(const Settings& settings, observe::Metrics& metrics, const observe::Log& log);

  // Binds the admin port, which the caller starts. Borrows the service.
  Result<std::unique_ptr<net::HttpServer>> bind_admin(const std::string& address, AdminService& service, observe::Log log);

  // Brings the series of worker processes up to date, off the shard that asks.
  Task<> sample_processes();

  // After all that configured guests has gone: waits for guests that were being started ahead, which end with their slice, and
  // one long bulk-memory instruction may prolong that. False if some are still there. Control thread.
  bool wait_guests_gone();

  async::ShardSet shards;
  async::BlockingPool blocking;
  net::ServerCommons commons;        // of the listeners
  net::ServerCommons admin_commons;  // of the admin port, which they cannot starve
  wasm::Capacity capacity;
  std::shared_ptr<wasm::ProcessMeter> meter = std::make_shared<wasm::ProcessMeter>();
};

}  // namespace fiso::server
