// An app with one guest that lives on: its supervisor, and on every shard the service that passes requests to it, as HTTP or
// line by line.
//
// A guest that answers one request on its stdout and leaves is served as if it were perRequest: the log and a series say so.
// Threading: control thread, but for what says otherwise.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/app_service.h"
#include "apps/health_probe.h"
#include "apps/json_app.h"
#include "apps/resident_http.h"
#include "apps/resident_lines.h"
#include "apps/supervisor.h"

namespace fiso::apps {

class LongRunning {
 public:
  // Borrowed for its life.
  struct Parts {
    async::ShardSet& shards;
    async::BlockingPool& blocking;
    wasm::Capacity& capacity;
    observe::Log log;
    const AppConfig& config;
    AppState& state;
    HealthProbe& probe;
    Bytes largest_body;  // of a request to a guest that answers once
    GuestPlace place;
    std::function<void()> begin_probing;  // once its instances are fresh ones; on any shard
  };
  static Result<std::unique_ptr<LongRunning>> make(const Parts& parts, std::shared_ptr<const wasm::Module> module);
  ~LongRunning();

  // On the shard. It must be gone before this is.
  std::unique_ptr<AppService> service_on(async::Shard& shard);
  void open();
  // Asks the guest to end; stops it at the deadline.
  void close(MonotonicTime deadline);

  // Thread-safe.
  uint16_t port_of(uint16_t guest_port) const { return supervisor_->port_of(guest_port); }
  uint64_t restarts() const { return supervisor_->restarts(); }

 private:
  class Service;
  LongRunning(const Parts& parts, std::shared_ptr<const wasm::Module> module, std::shared_ptr<const wasm::GuestSetup> setup);
  // Before requests come, or on the home shard.
  void serve_per_request();
  void show_mode(observe::Gauge* mode);
  // On the home shard.
  Task<> prepare_per_request();
  Task<> end(MonotonicTime deadline);

  Parts parts_;
  observe::Log log_;
  std::shared_ptr<const wasm::Module> module_;
  std::shared_ptr<Supervisor> supervisor_;
  TrafficMetrics traffic_;
  observe::Gauge& lives_on_;
  observe::Gauge& per_request_;
  observe::Gauge* mode_ = nullptr;  // the one that counts this
  unsigned home_;  // the shard of the supervisor, and of a guest on the light engine: by the port, so that apps spread
  std::vector<Service*> services_;  // by shard
  std::shared_ptr<ResidentPeers> peers_;
  std::unique_ptr<JsonAppShared> json_;
  bool opened_ = false;
  std::atomic<bool> preparing_{false};
};

}  // namespace fiso::apps
