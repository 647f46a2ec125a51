// The flow process: everything it is made of, put together in one place, from start to stop.
//
//   run()  settings and flows are read whole -> admin port -> modules, listeners -> ready -> reloads … -> drain
//
// Threading: control thread. The shards, the ticker, the blocking pool and the writer of standard output are the
// only other threads.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "components/process_network.h"
#include "components/sinks/stdout/line_queue.h"
#include "observe/health.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "server/control_events.h"
#include "server/listeners.h"
#include "server/process_parts.h"
#include "server/reloads.h"
#include "wasm/process_meter.h"
#include "wasm/runtimes.h"

namespace fiso::server {

struct FlowServerOptions {
  std::string config_dir = "/etc/fiso/flows";
  std::string admin_address = ":9090";
  std::string wasmer_host = {};  // the worker program; empty: it is looked for
};

// What engines are made of.
struct EngineParts {
  async::ShardSet& shards;
  async::BlockingPool& blocking;
  wasm::Capacity& capacity;
  observe::Log log;
  const Settings& settings;
  StopRequest stop;                                     // loading a module ends early by it
  std::shared_ptr<wasm::ProcessMeter> meter = nullptr;  // told of worker processes; may be null
  std::string wasmer_host = {};                         // the worker program; empty: it is looked for
};
// Makes the engines that guests run on.
using RuntimesFactory = std::function<Result<std::unique_ptr<wasm::Runtimes>>(const EngineParts&)>;

// The engines of a program.
struct ProgramEngines {
  RuntimesFactory make;
  wasm::FullEngineSupport full;
};

// All that is wrong with the configuration in the directory, or nothing: what `-check` shows. Opens nothing. Without an admin
// address no port is kept for one.
Result<> check_config(const FlowServerOptions& options, const core::Registry& registry, const wasm::FullEngineSupport& full);

class FlowServer {
 public:
  FlowServer(FlowServerOptions options, observe::Log log, const core::Registry& registry, ProgramEngines engines);
  ~FlowServer();

  // Reads, opens and builds everything. The error is the operator's to read; kCancelled if a stop was asked for meanwhile,
  // which run_until_stopped() then carries out.
  Result<> start(ControlEvents& events);
  // Serves until told to stop, then drains. True if nothing was cut; otherwise guests and deliveries may still be under way,
  // and the caller ends the process without destroying the server.
  bool run_until_stopped(ControlEvents& events);

  // For tests: where things ended up.
  uint16_t admin_port() const { return admin_->port(); }
  std::optional<uint16_t> port(const std::string& address) const { return listeners_->port(address); }
  observe::Metrics& metrics() { return metrics_; }

 private:
  Result<> start_admin(ControlEvents& events);
  Result<> build_and_serve(const std::vector<flow::FlowDraft>& flows);
  Result<> read_and_serve();
  void reload();
  bool drain(ControlEvents& events);
  bool wait_drained(ControlEvents& events);
  // Lets go of everything that lives on shards; false if some guest does not end.
  bool release();

  FlowServerOptions options_;
  observe::Log log_;
  const core::Registry& registry_;
  ProgramEngines engines_;
  Settings settings_;
  StopRequest stop_;
  std::set<std::string> served_;  // names of the flows of the current generation
  observe::Metrics metrics_;
  observe::Health health_{"listeners", "modules"};
  ReloadVerdicts verdicts_;
  Reloads reloads_{verdicts_, metrics_, log_};
  std::unique_ptr<ProcessParts> process_;
  std::unique_ptr<sinks::LineQueue> output_;
  std::unique_ptr<wasm::Runtimes> runtimes_;
  ProcessNetwork network_;
  core::Resources resources_;
  std::unique_ptr<AdminService> admin_service_;
  std::unique_ptr<net::HttpServer> admin_;
  std::unique_ptr<Listeners> listeners_;
};

}  // namespace fiso::server
