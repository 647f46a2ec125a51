// Flows: events in, through guests, out.
//
//   a reading of the directory becomes a generation (generation.h): modules compiled, listeners open, then all shards serve it
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "components/sinks/stdout/line_queue.h"
#include "core/registry.h"
#include "flow/flow_loader.h"
#include "net/local_services.h"
#include "server/control_events.h"
#include "server/engines.h"
#include "server/listeners.h"
#include "server/reloads.h"
#include "server/role.h"

namespace fiso::server {

// What flows have around them in a program that does more.
struct FlowSurroundings {
  Settings settings;      // of the process, in place of those of fiso.yaml, which is refused
  net::LocalNames names;  // that flows may ask
  struct Port {
    std::string address, owner;
  };
  std::vector<Port> ports;  // that no flow may have
};

struct FlowRoleOptions {
  std::string config_dir = "/etc/fiso/flows";
  std::string admin_address = ":9090";  // which no flow may have; empty: there is none
  // Asked at each reading; null: flows are all there is.
  std::function<FlowSurroundings()> surroundings = {};
  // A change of what is around is under way: a reload waits until it is over.
  std::function<bool()> surroundings_change = [] { return false; };
};

// What one reading of the directory says.
struct FlowReading {
  Settings settings;
  std::vector<flow::FlowDraft> flows;
};

// Opens nothing. The error is all that is wrong with it; what is wrong at a place of a file is in `errors` too.
Result<FlowReading> read_flows(const FlowRoleOptions& options, const core::Registry& registry,
                               const wasm::FullEngineSupport& full, config::Errors& errors);

class FlowRole final : public Role {
 public:
  FlowRole(FlowRoleOptions options, const core::Registry& registry, wasm::FullEngineSupport full);
  ~FlowRole() override;

  std::string_view name() const override { return "flows"; }
  void watch(ControlEvents& events) override { reloads_.watch(events); }
  Result<> read() override;
  const Settings* settings() const override { return is_alone() ? &reading_.settings : nullptr; }
  Result<> join(Host& host) override;
  Result<> start() override;
  void reload(const ControlEvents& events) override;
  const ReloadVerdicts& verdicts() const override { return reloads_.verdicts(); }
  Duration look() override;
  void begin_drain(MonotonicTime deadline) override;
  Drain drain_state() override;
  void release() override;

  // For tests: the port that an address is bound to.
  std::optional<uint16_t> port(const std::string& address) const { return listeners_->port(address); }

 private:
  bool is_alone() const { return options_.surroundings == nullptr; }
  void reload();
  Result<> build_and_serve();
  Result<> read_and_serve();

  const FlowRoleOptions options_;
  const core::Registry& registry_;
  const wasm::FullEngineSupport full_;
  Reloads reloads_;
  FlowReading reading_;      // the last
  bool reload_due_ = false;  // once what is around has changed
  // That there were when the last reading failed.
  std::optional<net::LocalNames> failed_with_;
  Host* host_ = nullptr;
  std::set<std::string> served_;  // names of the flows of the current generation
  std::unique_ptr<sinks::LineQueue> output_;
  std::unique_ptr<Listeners> listeners_;
};

}  // namespace fiso::server
