// A host for guests in tests: shards, capacity, an engine, and pools of configured guests on them.
//
// Everything is owned by the test's thread; runs are made on the shards. Waits end after a time that no passing test reaches.
#pragma once

#include <cstdlib>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/blocking_pool.h"
#include "async/testing/run_task.h"
#include "base/check.h"
#include "observe/testing/captured_log.h"
#include "wasm/instance_pool.h"

namespace fiso::wasm {
inline void PrintTo(Outcome outcome, std::ostream* out) { *out << to_string(outcome); }
}  // namespace fiso::wasm

namespace fiso::wasm::testing {

// What an engine is made among.
struct EngineHost {
  async::ShardSet& shards;
  async::BlockingPool& blocking;
  Capacity& capacity;
  observe::Log log;
};
using MakeEngine = std::function<std::unique_ptr<Engine>(const EngineHost&)>;

struct RigOptions {
  unsigned shards = 1;
  CapacityOptions capacity{.instances = 64, .queue = 1000, .memory = 2_GiB};
  unsigned blocking_threads = 2;
};

// Calls `reached` until it is true, letting all shards do what they have to do in between; false after half a minute.
inline bool eventually(async::ShardSet& shards, const std::function<bool()>& reached) {
  MonotonicTime patience = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!reached()) {
    if (std::chrono::steady_clock::now() > patience) return false;
    shards.run_on_each([](async::Shard&) {});
  }
  return true;
}

inline std::string guests_folder() {
  const char* folder = std::getenv("FISO_GUESTS");
  return folder != nullptr ? folder : "guests";
}
// Of a guest of guests/; a path stays what it is.
inline std::string guest_path(std::string_view name) {
  if (name.starts_with('/')) return std::string(name);
  return guests_folder() + "/" + std::string(name) + ".wasm";
}

// What an interceptor's guest gets: an event with this payload.
inline std::string envelope(std::string_view payload) {
  return "{\"payload\":" + std::string(payload) + ",\"headers\":{},\"direction\":\"inbound\"}";
}

struct GuestSpec {
  std::string module;
  wasi::GuestOptions wasi = {};
  Limits limits = {};
  PoolOptions pool = {};
};

// What an instance of that guest is made with.
inline std::shared_ptr<const GuestSetup> make_setup(GuestSpec spec) {
  spec.wasi.limits.output = spec.limits.output;
  auto config = wasi::GuestConfig::open(std::move(spec.wasi));
  FISO_CHECK(config.has_value(), config.has_value() ? "" : config.error().describe());
  return std::make_shared<GuestSetup>(
      GuestSetup{.limits = spec.limits, .wasi = *config, .may_park = spec.pool.execution == Execution::kPooled});
}

inline std::shared_ptr<const Module> prepare(const Module& module, const std::shared_ptr<const GuestSetup>& setup) {
  auto prepared = module.prepare(setup);
  FISO_CHECK(prepared.has_value(), prepared.has_value() ? "" : prepared.error().describe());
  return *prepared;
}

class Rig {
 public:
  explicit Rig(const MakeEngine& make, RigOptions options = {})
      : shards(options.shards),
        blocking(options.blocking_threads, 64),
        capacity(shards, options.capacity),
        engine(make({shards, blocking, capacity, log_lines.log()})) {
    FISO_CHECK(engine != nullptr);
  }
  // Who gave back the last of the capacity may still be in the middle of that, on its shard.
  ~Rig() {
    shards.run_on_each([](async::Shard&) {});
  }
  Rig(const Rig&) = delete;

  std::shared_ptr<const Module> load(std::string_view guest) const {
    auto module = engine->load(guest_path(guest));
    FISO_CHECK(module.has_value(), module.has_value() ? "" : module.error().describe());
    return *module;
  }
  std::shared_ptr<PoolShare> make_share(GuestSpec spec) {
    std::string series = std::to_string(++guests_);
    auto module = load(spec.module);
    PoolOptions options = spec.pool;
    auto setup = make_setup(std::move(spec));
    return std::make_shared<PoolShare>(capacity, prepare(*module, setup), setup, options,
                                       metrics.gauge("test_instances", "", {{"guest", series}}),
                                       metrics.gauge("test_parked", "", {{"guest", series}}));
  }
  // True once nothing of any guest is left: instances, their memory.
  bool becomes_idle() {
    return eventually(shards, [this] { return capacity.instances.in_use() == 0 && capacity.memory.in_use() == 0; });
  }

  async::ShardSet shards;
  async::BlockingPool blocking;
  Capacity capacity;
  ::fiso::testing::CapturedLog log_lines;
  observe::Metrics metrics;
  std::unique_ptr<Engine> engine;

 private:
  int guests_ = 0;
};

// A configured guest, with a pool on every shard.
class RunningGuest {
 public:
  RunningGuest(Rig& rig, GuestSpec spec) : rig_(rig), share_(rig.make_share(std::move(spec))) {
    for (unsigned i = 0; i < rig.shards.count(); ++i)
      pools_.push_back(std::make_shared<InstancePool>(rig.shards[i], rig.capacity, share_));
    rig.shards.run_on_each([this](async::Shard& shard) { pools_[shard.index()]->open(); });
  }
  RunningGuest(const RunningGuest&) = delete;
  // The pools go on their shards; what they have under way in the background has ended afterwards.
  ~RunningGuest() {
    rig_.shards.run_on_each([this](async::Shard& shard) {
      pools_[shard.index()]->close();
      pools_[shard.index()].reset();
    });
    FISO_CHECK(eventually(rig_.shards, [this] { return share_->instances.value() == 0 && share_.use_count() == 1; }),
               "a pool lives on");
  }

  RunResult run(const std::string& input, unsigned shard = 0, wasi::StderrSink* lines = nullptr) {
    return ::fiso::testing::run_task(rig_.shards[shard], [&] { return run_here(*pools_[shard], input, lines); });
  }
  // The same from a coroutine on the pool's shard.
  Task<RunResult> run_here(std::string input, unsigned shard = 0) { return run_here(*pools_[shard], std::move(input), nullptr); }

  InstancePool& pool(unsigned shard = 0) { return *pools_[shard]; }
  const PoolShare& share() const { return *share_; }
  const Limits& limits() const { return share_->setup->limits; }
  int64_t instances() const { return static_cast<int64_t>(share_->instances.value()); }
  int64_t parked() const { return static_cast<int64_t>(share_->parked.value()); }
  bool parks(int64_t count) {
    return eventually(rig_.shards, [&] { return parked() == count; });
  }

 private:
  static Task<RunResult> run_here(InstancePool& pool, std::string input, wasi::StderrSink* lines) {
    std::string_view piece = input;
    co_return co_await pool.run({.input = {&piece, 1}, .stderr_lines = lines});
  }

  Rig& rig_;
  std::shared_ptr<PoolShare> share_;
  std::vector<std::shared_ptr<InstancePool>> pools_;
};

}  // namespace fiso::wasm::testing
