// A rig whose engine is the fake one with a single guest, and words for tests that run on its first shard.
#pragma once

#include <boost/asio/post.hpp>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/signal.h"
#include "async/spawn.h"
#include "wasm/testing/fake_engine.h"
#include "wasm/testing/guest_rig.h"

namespace fiso::wasm::testing {

// Calls of a fake guest that stay under way until the test lets them go, first come first gone. For one shard.
class HeldCalls {
 public:
  FakeServe serve() {
    return [this](FakeCall call) -> Task<RunResult> {
      async::Signal released(async::Shard::current().executor());
      held_.push_back(&released);
      co_await released.wait();
      co_return RunResult{.output = "held " + std::string(call.input)};
    };
  }
  size_t count() const { return held_.size(); }
  void release() {
    FISO_CHECK(!held_.empty());
    held_.front()->set();
    held_.pop_front();
  }

 private:
  std::deque<async::Signal*> held_;
};

class PoolRig : public Rig {
 public:
  // The guest's name is "guest".
  explicit PoolRig(FakeProgram program, RigOptions options = {}) : Rig(making(std::move(program)), options) {}

  FakeEngine& fake() { return static_cast<FakeEngine&>(*engine); }

  // Runs a coroutine of the test on the first shard to its end.
  template <class Body>
  void on_shard(Body body) {
    ::fiso::testing::run_task(shards[0], std::move(body));
  }
  // For such coroutines: lets the shard do its other work until `reached`; the test's own deadline is CTest's.
  static Task<> until(std::function<bool()> reached) {
    while (!reached()) co_await asio::post(async::Shard::current().executor(), async::kTask);
  }
  // Starts a run beside the caller; `finished` gets "NAME OUTCOME" when it has ended.
  void start(RunningGuest& guest, std::string name) { async::spawn(shards[0], run_and_note(*this, guest, std::move(name))); }

  std::vector<std::string> finished;

 private:
  static MakeEngine making(FakeProgram program) {
    return [program = std::move(program)](const EngineHost&) {
      auto engine = std::make_unique<FakeEngine>();
      engine->add(guest_path("guest"), program);
      return engine;
    };
  }
  static Task<> run_and_note(PoolRig& rig, RunningGuest& guest, std::string name) {
    RunResult result = co_await guest.run_here(name);
    rig.finished.push_back(name + " " + std::string(to_string(result.outcome)));
  }
};

}  // namespace fiso::wasm::testing
