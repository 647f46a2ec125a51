#include "server/process_parts.h"

#include <utility>

namespace fiso::server {
namespace {

constexpr unsigned kBlockingThreads = 4;
constexpr size_t kBlockingQueue = 4096;
constexpr std::chrono::seconds kGuestsGone{10};

unsigned shard_count(const Settings& settings) {
  return settings.shards > 0 ? static_cast<unsigned>(settings.shards) : async::ShardSet::suitable_count();
}

}  // namespace

wasm::CapacityOptions capacity_options(const WasmSettings& settings) {
  return {.instances = static_cast<uint64_t>(settings.max_instances),
          .queue = static_cast<size_t>(settings.instance_queue),
          .memory = settings.total_memory};
}

ProcessParts::ProcessParts(const Settings& settings, observe::Metrics& metrics, const observe::Log& log)
    : shards(shard_count(settings)),
      blocking(kBlockingThreads, kBlockingQueue),
      commons(shards, settings.http, metrics, log),
      admin_commons(shards, admin_limits(), metrics, log),
      capacity(shards, capacity_options(settings.wasm)) {}

Result<std::unique_ptr<net::HttpServer>> ProcessParts::bind_admin(const std::string& address, AdminService& service,
                                                                  observe::Log log) {
  auto admin = std::make_unique<net::HttpServer>(shards, admin_commons.options(address, admin_limits()),
                                                 [&service](async::Shard&) -> net::HttpService& { return service; });
  FISO_TRY_OK(admin->bind());
  log.info("metrics server starting", {{"addr", address}, {"port", admin->port()}});
  return admin;
}

// What cannot be read now, because the threads have too much to do, is shown as it was.
Task<> ProcessParts::sample_processes() {
  (void)co_await blocking.run([meter = meter] {
    meter->sample();
    return true;
  });
}

bool ProcessParts::wait_guests_gone() {
  MonotonicTime deadline = Clock::system().now() + kGuestsGone;
  auto gone = [this] { return capacity.configured_guests.load(std::memory_order_acquire) == 0; };
  while (!gone() && Clock::system().now() < deadline) shards.run_on_each([](async::Shard&) {});
  return gone();
}

}  // namespace fiso::server
