// Many runs of one guest, several at a time, on all shards.
#pragma once

#include <atomic>
#include <cstdlib>
#include <functional>
#include <future>
#include <optional>
#include <string>

#include "async/spawn.h"
#include "base/guarded.h"
#include "wasm/testing/guest_rig.h"

namespace fiso::wasm::testing {

// True in the runs that CTest labels `long`: tests whose name ends in _Long repeat themselves far more often then.
inline bool is_long_run() {
  const char* set = std::getenv("FISO_LONG");
  return set != nullptr && *set != '\0';
}

// What is wrong with a result; nothing if it is as it should be. Called on several shards.
using Judge = std::function<std::optional<std::string>(const RunResult& result)>;

struct Repeats {
  int times = 20;
  int at_once = 8;
};

class Repeater {
 public:
  // Runs the guest on `input` and returns the first complaint; empty if there was none.
  static std::string run(Rig& rig, RunningGuest& guest, const std::string& input, Repeats repeats, const Judge& judge) {
    Repeater repeater(guest, input, repeats, judge);
    rig.shards.run_on_each([&](async::Shard& shard) {
      for (int i = 0; i < repeats.at_once; ++i)
        if (i % static_cast<int>(rig.shards.count()) == static_cast<int>(shard.index()))
          async::spawn(shard, worker(repeater, shard.index()));
    });
    repeater.done_.get_future().get();
    return repeater.complaint_.with([](std::string& text) { return text; });
  }

 private:
  Repeater(RunningGuest& guest, const std::string& input, Repeats repeats, const Judge& judge)
      : guest_(guest), input_(input), judge_(judge), left_(repeats.times), workers_(repeats.at_once) {}

  static Task<> worker(Repeater& repeater, unsigned shard) {
    while (repeater.left_.fetch_sub(1) > 0) repeater.note(co_await repeater.guest_.run_here(repeater.input_, shard));
    if (repeater.workers_.fetch_sub(1) == 1) repeater.done_.set_value();
  }
  void note(const RunResult& result) {
    if (auto wrong = judge_(result))
      complaint_.with([&](std::string& text) {
        if (text.empty()) text = *wrong;
      });
  }

  RunningGuest& guest_;
  const std::string& input_;
  const Judge& judge_;
  std::atomic<int> left_;
  std::atomic<int> workers_;
  std::promise<void> done_;
  Guarded<std::string> complaint_;
};

}  // namespace fiso::wasm::testing
