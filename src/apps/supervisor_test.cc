// The life of a guest that lives on, with fakes that do what a test says.
#include "apps/supervisor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "async/testing/run_task.h"
#include "wasm/testing/fake_engine.h"

namespace fiso::apps {
namespace {

using wasm::Outcome;
using wasm::RunResult;

// What a guest does once it is asked to begin; the number says which it is.
using Guest = std::function<void(int number, wasm::ResidentEvents& events)>;

class FakeResident final : public wasm::Resident {
 public:
  FakeResident(wasm::ResidentEvents& events, std::atomic<int>& alive, std::string last_words, bool heeds)
      : events_(events), alive_(alive), last_words_(std::move(last_words)), heeds_(heeds) {
    ++alive_;
  }
  ~FakeResident() override { alive_ -= lives_; }
  void terminate() override {
    if (!heeds_) return;
    alive_ -= std::exchange(lives_, 0);
    events_.ended({});
  }
  // What it is given comes back, with a line's end behind it; or, if it has last words, it waits for the end of its input and
  // says them.
  void write(std::string text) override {
    if (last_words_.empty()) return events_.written(wasm::GuestStream::kOutput, text);
    events_.noticed(wasm::ResidentNotice::kWaiting, std::to_string(text.size()));
  }
  void end_input() override {
    if (!last_words_.empty()) events_.written(wasm::GuestStream::kOutput, last_words_);
    events_.ended({});
  }

 private:
  wasm::ResidentEvents& events_;
  std::atomic<int>& alive_;
  std::string last_words_;
  bool heeds_;
  int lives_ = 1;
};

void listens(wasm::ResidentEvents& events) { events.noticed(wasm::ResidentNotice::kListening, "8080 127.64.0.1:4711"); }

class SupervisorTest : public ::testing::Test {
 protected:
  // Waits on the home shard's behalf until `what` holds.
  void until(const std::function<bool()>& what) {
    while (!what()) std::this_thread::yield();
  }

  std::shared_ptr<Supervisor> supervise(Guest guest) {
    wasm::testing::FakeProgram program{.serve = wasm::testing::answers("")};
    program.resident = [this, guest](const wasm::GuestSetup&, wasm::ResidentEvents& events) {
      int number = ++started_;
      shards_[0].post([guest, number, &events] { guest(number, events); });
      return Result<std::unique_ptr<wasm::Resident>>(std::make_unique<FakeResident>(events, alive_, last_words_, heeds_));
    };
    engine_.add("guest", std::move(program));
    auto setup = std::make_shared<wasm::GuestSetup>();
    setup->wasi = wasm::wasi::GuestConfig::open({}).value();
    setup->network.listen = {{.guest_port = 8080, .host = "127.64.0.1:0"}, {.guest_port = 8081, .host = "127.64.0.1:0"}};
    auto supervisor =
        std::make_shared<Supervisor>(Supervisor::Parts{.shard = shards_[0],
                                                       .config = config_,
                                                       .module = engine_.load("guest").value(),
                                                       .setup = setup,
                                                       .state = state_,
                                                       .log = observe::Log(),
                                                       .restarts = metrics_.counter("restarts", "For the test.", {})});
    state_.set(State::kStarting);
    shards_.run_on(
        0, [&](async::Shard&) { supervisor->open({.is_well = is_well_, .answers_once = [this] { answers_once_ = true; }}); });
    return supervisor;
  }

  void close(const std::shared_ptr<Supervisor>& supervisor, Duration patience = std::chrono::seconds(10)) {
    ::fiso::testing::run_task(shards_[0], [&] { return supervisor->close(std::chrono::steady_clock::now() + patience); });
    EXPECT_EQ(alive_, 0);
  }

  async::ShardSet shards_{1};
  observe::Metrics metrics_;
  AppConfig config_;
  observe::SeriesGroup series_{metrics_, {{"app", "a"}}};
  AppState state_{observe::Log(), StateGauges(series_)};
  wasm::testing::FakeEngine engine_;
  std::string last_words_;
  bool heeds_ = true;
  std::function<Task<bool>()> is_well_;
  std::atomic<int> started_ = 0;
  std::atomic<int> alive_ = 0;
  std::atomic<bool> answers_once_ = false;
};

TEST_F(SupervisorTest, AGuestThatListensIsHealthyAndItsPortIsKnown) {
  auto supervisor = supervise([](int, wasm::ResidentEvents& events) { listens(events); });
  until([&] { return state_.get() == State::kHealthy; });
  EXPECT_EQ(supervisor->port(), 4711);
  close(supervisor);
  EXPECT_EQ(started_, 1);
}

TEST_F(SupervisorTest, AStopEndsAProbeThatOnlyTheGuestsEndEnds) {
  std::atomic<int> asked = 0;
  is_well_ = [&]() -> Task<bool> {
    ++asked;
    while (alive_ > 0) co_await async::sleep_until(std::chrono::steady_clock::now() + std::chrono::milliseconds(1));
    co_return false;
  };
  for (bool heeds : {true, false}) {
    heeds_ = heeds;
    asked = 0;
    auto supervisor = supervise([](int, wasm::ResidentEvents& events) { listens(events); });
    until([&] { return asked > 0; });
    close(supervisor, heeds ? Duration(std::chrono::hours(1)) : Duration(std::chrono::milliseconds(1)));
  }
}

TEST_F(SupervisorTest, EachPortOfAGuestIsKnownAndItsOwnIsWhatCounts) {
  auto supervisor = supervise([](int number, wasm::ResidentEvents& events) {
    events.noticed(wasm::ResidentNotice::kListening, "8081 127.64.0.1:4712");
    if (number > 1) return listens(events);
    events.ended({.outcome = Outcome::kExit, .exit_code = 1});
  });
  until([&] { return state_.get() == State::kHealthy; });
  EXPECT_EQ(started_, 2);
  EXPECT_EQ(supervisor->port_of(8081), 4712);
  EXPECT_EQ(supervisor->port_of(8080), 4711);
  EXPECT_EQ(supervisor->port_of(9999), 0);
  close(supervisor);
  EXPECT_EQ(supervisor->port_of(8081), 0);
}

TEST_F(SupervisorTest, AGuestThatEndsIsStartedAgain) {
  auto supervisor = supervise([](int number, wasm::ResidentEvents& events) {
    listens(events);
    if (number == 1) events.ended({.outcome = Outcome::kTrap, .detail = "unreachable"});
  });
  until([&] { return started_ == 2 && state_.get() == State::kHealthy; });
  EXPECT_EQ(supervisor->restarts(), 1u);
  close(supervisor);
}

TEST_F(SupervisorTest, OnFailureLeavesAGuestThatLeftWithZeroAlone) {
  config_.restart = Restart::kOnFailure;
  auto supervisor = supervise([](int number, wasm::ResidentEvents& events) {
    listens(events);
    if (number == 1) events.ended({.outcome = Outcome::kExit, .exit_code = 3});
    if (number == 2) events.ended({});
  });
  until([&] { return state_.get() == State::kStopped; });
  EXPECT_EQ(started_, 2);
  close(supervisor);
}

TEST_F(SupervisorTest, AGuestThatDoesNotListenInTimeIsReplaced) {
  config_.start_timeout = std::chrono::milliseconds(1);
  auto supervisor = supervise([](int number, wasm::ResidentEvents& events) {
    if (number > 1) listens(events);
  });
  until([&] { return started_ >= 2; });
  EXPECT_GE(supervisor->restarts(), 1u);
  close(supervisor);
}

TEST_F(SupervisorTest, AGuestThatWaitsForInputFirstIsTalkedToLineByLine) {
  auto supervisor = supervise([](int, wasm::ResidentEvents& events) { events.noticed(wasm::ResidentNotice::kWaiting, "0"); });
  until([&] { return state_.get() == State::kHealthy; });
  EXPECT_EQ(supervisor->serves(), Serves::kLines);
  auto answer = ::fiso::testing::run_task(shards_[0], [&] { return supervisor->lines().ask("{}", kNever); });
  EXPECT_EQ(answer.value(), "{\"id\":1}");
  close(supervisor);
}

TEST_F(SupervisorTest, AGuestThatAnswersOnceAndAtTooGreatLengthAnswersOnceAllTheSame) {
  last_words_ = std::string((10_MiB).count + 1, 'x');
  auto supervisor = supervise([](int, wasm::ResidentEvents& events) { events.noticed(wasm::ResidentNotice::kWaiting, "0"); });
  until([&] { return state_.get() == State::kHealthy; });
  auto answer = ::fiso::testing::run_task(shards_[0], [&] { return supervisor->lines().ask("{}", kNever); });
  EXPECT_EQ(answer.error().message(), "wasm output is larger than 10MiB");
  until([&] { return answers_once_ || started_ > 1; });
  EXPECT_TRUE(answers_once_);
  close(supervisor);
}

TEST_F(SupervisorTest, AGuestThatListensFirstMayReadItsInputLater) {
  auto supervisor = supervise([](int, wasm::ResidentEvents& events) {
    listens(events);
    events.noticed(wasm::ResidentNotice::kWaiting, "0");
  });
  until([&] { return state_.get() == State::kHealthy; });
  EXPECT_EQ(supervisor->serves(), Serves::kPort);
  close(supervisor);
}

TEST_F(SupervisorTest, WhatTheGuestShallSpeakDecidesBeforeWhatItDoes) {
  config_.protocol = Protocol::kNdjson;
  auto supervisor = supervise([](int, wasm::ResidentEvents& events) {
    listens(events);
    events.noticed(wasm::ResidentNotice::kWaiting, "0");
  });
  until([&] { return state_.get() == State::kHealthy; });
  EXPECT_EQ(supervisor->serves(), Serves::kLines);
  EXPECT_EQ(supervisor->port(), 0);
  close(supervisor);
}

TEST_F(SupervisorTest, AGuestThatLeavesWithZeroBeforeItServesIsNotStartedAgain) {
  auto supervisor = supervise([](int, wasm::ResidentEvents& events) { events.ended({}); });
  until([&] { return answers_once_.load(); });
  close(supervisor);
  EXPECT_EQ(started_, 1);
}

TEST_F(SupervisorTest, RequestsOverTheirTimeInARowReplaceTheGuest) {
  config_.unhealthy_threshold = 2;
  auto supervisor = supervise([](int, wasm::ResidentEvents& events) { listens(events); });
  until([&] { return state_.get() == State::kHealthy; });
  supervisor->note_timeout();
  supervisor->note_answer();
  supervisor->note_timeout();
  EXPECT_EQ(started_, 1);
  supervisor->note_timeout();
  // Whoever asks from now on waits for the next guest.
  State after = state_.get();
  EXPECT_TRUE(after != State::kHealthy || started_ == 2);
  until([&] { return started_ == 2; });
  close(supervisor);
}

}  // namespace
}  // namespace fiso::apps
