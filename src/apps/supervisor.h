// Keeps a guest that lives on alive: starts it, asks how it is, and starts another when it ends or falls ill.
//
//   start -> listens, or waits for input -> healthy -> ended, ill, or over its time again and again -> pause -> start
//
// What a guest does first says what it is: one that serves a port, or one to talk to line by line. The pause grows from nothing
// to five minutes and starts anew after ten good minutes. A guest that leaves with 0 before either, or turns out to answer a
// single request, does not live on: the owner is told, and it is not started again.
//
// Threading: the home shard, but for serves(), port(), port_of(), note_*() and restarts().
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/app_config.h"
#include "apps/app_state.h"
#include "apps/line_conversation.h"
#include "apps/restart_pauses.h"
#include "async/shard.h"
#include "async/signal.h"
#include "observe/sampled_log.h"
#include "wasm/engine.h"
#include "wasm/wasi/stderr_lines.h"

namespace fiso::apps {

// How a guest takes requests.
enum class Serves { kNothingYet, kPort, kLines };

class Supervisor final : public std::enable_shared_from_this<Supervisor>, private wasm::ResidentEvents {
 public:
  struct Parts {
    async::Shard& shard;
    const AppConfig& config;
    std::shared_ptr<const wasm::Module> module;
    std::shared_ptr<const wasm::GuestSetup> setup;  // its rules let it listen, on PORT first of all
    AppState& state;
    observe::Log log;  // carries the app's name
    observe::Counter& restarts;
  };
  struct Care {
    std::function<Task<bool>()> is_well;  // asks the guest that serves now; empty: one that listens is well
    std::function<void()> answers_once;
  };
  explicit Supervisor(Parts parts);

  void open(Care care);
  // Asks the guest to end, and stops it at the deadline, a probe of it too. Completes when it is gone. After open().
  Task<> close(MonotonicTime deadline);

  // What the last guest that showed it does.
  Serves serves() const { return serves_.load(std::memory_order_acquire); }
  // For guests that serve lines. On the home shard; completes before the supervisor is gone.
  LineConversation& lines() { return lines_; }
  // Where the guest listens, on the private address; 0 while it does not.
  uint16_t port() const { return places_.front().port.load(std::memory_order_acquire); }
  // The same of any port that its rules let it listen on, as it calls it.
  uint16_t port_of(uint16_t guest_port) const;
  // A request was over its time, or was answered.
  void note_timeout();
  void note_answer() { timeouts_.store(0, std::memory_order_relaxed); }
  uint64_t restarts() const { return restarts_.load(std::memory_order_relaxed); }

 private:
  class Lines final : public wasm::wasi::StderrSink {
   public:
    Lines(observe::SampledLog& log, wasm::GuestStream stream) : lines_log_(log), stream_(stream) {}
    void line(std::string_view text) override {
      if (stream_ == wasm::GuestStream::kOutput) {
        lines_log_.write("app stdout", {{"text", text}});
      } else {
        lines_log_.write("app stderr", {{"text", text}});
      }
    }

   private:
    observe::SampledLog& lines_log_;
    wasm::GuestStream stream_;
  };

  void written(wasm::GuestStream stream, std::string_view text) override;
  void noticed(wasm::ResidentNotice notice, std::string_view text) override;
  void ended(const wasm::RunResult& result) override;

  static Task<> live(std::shared_ptr<Supervisor> self);
  // From a start to the reason to start again, or to stop.
  Task<std::string> live_once();
  Task<std::string> watch(MonotonicTime healthy_by);
  std::string nothing_served() const;
  Task<> let_go(MonotonicTime deadline);
  bool is_over() const { return closing_ || answers_once_ || over_.has_value() || !fault_.empty(); }
  // What it does when it is asked to end says nothing.
  bool shows_its_kind() const { return starting_ && port() == 0 && !waits_; }
  void end_conversation(const wasm::RunResult& result);
  bool wants_restart() const;

  struct Place {
    uint16_t guest_port = 0;
    std::atomic<uint16_t> port{0};
  };
  void note_listening(std::string_view text);
  void forget_ports();

  Parts parts_;
  std::vector<Place> places_;  // as the rules have them, PORT first
  Care care_;
  observe::SampledLog output_log_;
  observe::SampledLog errors_log_;
  Lines output_sink_;
  Lines errors_sink_;
  wasm::wasi::StderrLines output_lines_;
  wasm::wasi::StderrLines errors_lines_;
  LineConversation lines_;
  async::Signal changed_;  // something was told
  async::Signal gone_;     // live() has ended
  std::unique_ptr<wasm::Resident> guest_;
  std::optional<wasm::RunResult> over_;  // how the guest ended
  std::string fault_;                    // why it cannot be talked to any more
  bool starting_ = false;                // it has neither shown its kind nor been given up
  bool waits_ = false;                   // it waited for input first
  bool answers_once_ = false;
  bool probing_ = false;  // whether it is well is being asked
  bool closing_ = false;
  MonotonicTime close_by_{};
  RestartPauses pauses_;
  std::atomic<Serves> serves_{Serves::kNothingYet};
  std::atomic<int64_t> timeouts_{0};    // in a row
  std::atomic<bool> over_time_{false};  // there were too many: this guest is given up
  std::atomic<uint64_t> restarts_{0};
};

}  // namespace fiso::apps
