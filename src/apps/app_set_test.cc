// How one set of apps follows another, with guests that are functions.
#include "apps/app_set.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "async/testing/run_task.h"
#include "async/yield.h"
#include "net/http_client.h"
#include "net/testing/raw_client.h"
#include "observe/testing/captured_log.h"
#include "wasm/testing/fake_engine.h"

namespace fiso::apps {
namespace {

using ::fiso::testing::body_of;
using ::fiso::testing::RawClient;
using ::fiso::testing::status_of;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::chrono::seconds kPatience{30};

// Answers each line, and waits for the next.
class LineGuest final : public wasm::Resident {
 public:
  explicit LineGuest(wasm::ResidentEvents& events) : events_(events) {}
  void terminate() override { events_.ended({}); }
  void write(std::string text) override {
    size_t id = text.find("\"id\":"), end = text.find_first_of(",}", id);
    events_.written(wasm::GuestStream::kOutput, "{" + text.substr(id, end - id) + ",\"bodyText\":\"lines\"}\n");
    events_.noticed(wasm::ResidentNotice::kWaiting, std::to_string(read_ += text.size()));
  }
  void end_input() override { events_.ended({}); }

 private:
  wasm::ResidentEvents& events_;
  size_t read_ = 0;
};

class AppSetTest : public ::testing::Test {
 protected:
  AppSetTest() {
    for (const char* name : {"one", "two"})
      engine_->add(name, {.serve = wasm::testing::answers("{\"bodyText\":\"" + std::string(name) + "\"}\n")});
    engine_->add("lines",
                 {.serve = wasm::testing::answers(""), .resident = [this](const wasm::GuestSetup&, wasm::ResidentEvents& events) {
                    async::Shard& home = async::Shard::current();
                    if (talks_) home.post([&events] { events.noticed(wasm::ResidentNotice::kWaiting, "0"); });
                    return Result<std::unique_ptr<wasm::Resident>>(std::make_unique<LineGuest>(events));
                  }});
    apps_ = std::make_unique<AppSet>(AppParts{.shards = shards_,
                                              .blocking = blocking_,
                                              .runtimes = runtimes_,
                                              .capacity = capacity_,
                                              .metrics = metrics_,
                                              .log = log_.log(),
                                              .commons = commons_,
                                              .network = network_},
                                     directory_, local_);
  }

  static WantedApp app(const std::string& name, const std::string& module, int64_t port = 0) {
    AppConfig config{.name = name, .module = module, .runtime = wasm::Runtime::kLight, .port = port};
    if (module == "lines") config.execution = Execution::kLongRunning;
    return {config, module};
  }
  static WantedApp app_that_starts_by(const std::string& name, Duration timeout, int64_t port = 0) {
    WantedApp wanted = app(name, "lines", port);
    wanted.config.start_timeout = timeout;
    return wanted;
  }

  void start(const std::vector<WantedApp>& wanted) {
    auto started = apps_->start(wanted, {}, [](const App&) {});
    ASSERT_TRUE(started.has_value()) << started.error().message();
    while (!apps_->all_healthy()) std::this_thread::yield();
  }
  AppSet::Settled settle() {
    for (;;) {
      if (auto settled = apps_->settle(kPatience)) return std::move(*settled);
      std::this_thread::yield();
    }
  }
  Result<> change(const std::vector<WantedApp>& wanted) {
    FISO_TRY_OK(apps_->begin_change(wanted, {}));
    AppSet::Settled settled = settle();
    if (settled.extent != AppSet::Extent::kAll) return Error(ErrorCode::kUnavailable, settled.problems);
    return {};
  }
  uint16_t port(size_t i = 0) { return apps_->status()[i].port; }
  // What the guest of a request on a connection of its own answers; empty if there is nobody.
  static std::string ask(uint16_t port) {
    RawClient client(port);
    return client.is_open() ? body_of(client.exchange(kGet)) : "";
  }
  bool drained() {
    while (apps_->drain_state() == AppSet::Drain::kUnderWay) std::this_thread::yield();
    return apps_->drain_state() == AppSet::Drain::kClean;
  }

  async::ShardSet shards_{2};
  async::BlockingPool blocking_{1, 16};
  observe::Metrics metrics_;
  ::fiso::testing::CapturedLog log_;
  net::ServerCommons commons_{shards_, {}, metrics_, log_.log()};
  wasm::Capacity capacity_{shards_, {.memory = 1_GiB}};
  wasm::testing::FakeEngine* engine_ = new wasm::testing::FakeEngine;
  wasm::Runtimes runtimes_{std::unique_ptr<wasm::Engine>(engine_), nullptr};
  ProcessNetwork network_;
  AppDirectory directory_{shards_};
  net::LocalServices local_{shards_};
  std::atomic<bool> talks_ = true;
  std::unique_ptr<AppSet> apps_;
};

TEST_F(AppSetTest, AChangeReplacesWhatChangedOnOpenConnectionsToo) {
  start({app("a", "one"), app("b", "one")});
  uint16_t a = port(0), b = port(1);
  RawClient client(a);
  EXPECT_EQ(body_of(client.exchange(kGet)), "one");
  ASSERT_TRUE(change({app("b", "one"), app("a", "two")}).has_value());
  EXPECT_EQ(body_of(client.exchange(kGet)), "two");
  EXPECT_EQ(ask(b), "one");
  EXPECT_EQ(port(0), b) << "in the order of the file";
  EXPECT_EQ(log_.count("app replaced"), 1u);
  EXPECT_NE(metrics_.expose().find("fiso_app_healthy{app=\"a\"} 1"), std::string::npos);
}

TEST_F(AppSetTest, NoRequestFailsWhileAppsFollowEachOther) {
  start({app("a", "one")});
  uint16_t at = port();
  std::atomic<bool> stop = false;
  std::atomic<int> failed = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 3; ++i)
    clients.emplace_back([&, i] {
      RawClient kept(at);
      while (!stop) {
        int status = i == 0 ? status_of(kept.exchange(kGet)) : status_of(RawClient(at).exchange(kGet));
        if (status != 200) ++failed;
      }
    });
  for (int round = 0; round < 20; ++round) {
    EXPECT_TRUE(change({app("a", round % 2 == 0 ? "two" : "one")}).has_value());
    apps_->reap();
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(failed, 0);
}

// Asks `app://a`, again and again, on one shard.
class Callers {
 public:
  Callers(async::ShardSet& shards, unsigned shard, async::BlockingPool& blocking, const net::LocalServices& local)
      : shards_(shards), shard_(shards[shard]) {
    net::ClientOptions options{.origin = {.host = "localhost"}, .local = &local, .local_name = "app://a"};
    shards_.run_on(shard, [&](async::Shard&) { client_ = std::make_unique<net::HttpClient>(shard_, blocking, options); });
  }
  ~Callers() {
    shards_.run_on(shard_.index(), [&](async::Shard&) { client_.reset(); });
  }

  std::string ask() {
    auto answer = ::fiso::testing::run_task(shard_, [&] { return post(); });
    return answer.has_value() ? answer->body : answer.error().describe();
  }
  // What failed meanwhile, as text.
  std::string ask_while(const std::function<void()>& something) {
    std::atomic<bool> stop = false;
    std::string failed;
    auto loop = [&]() -> Task<> {
      while (!stop) {
        auto answer = co_await post();
        if (!answer.has_value()) failed += answer.error().describe() + "; ";
        if (answer.has_value() && answer->status != 200) failed += std::to_string(answer->status) + "; ";
        co_await async::yield(shard_);
      }
    };
    std::thread waits([&] { async::run_and_wait(shard_, loop); });
    something();
    stop = true;
    waits.join();
    return failed;
  }

 private:
  // What must not be sent twice.
  Task<Result<net::ClientResponse>> post() {
    return client_->send({.method = "POST", .target = "/"}, std::chrono::steady_clock::now() + kPatience);
  }

  async::ShardSet& shards_;
  async::Shard& shard_;
  std::unique_ptr<net::HttpClient> client_;
};

TEST_F(AppSetTest, ANameLeadsToTheAppWhereverItIsUntilItHasGone) {
  Callers callers(shards_, 0, blocking_, local_);
  EXPECT_EQ(callers.ask(), "app://a: not there");
  start({app("a", "one")});
  EXPECT_EQ(callers.ask(), "one");
  ASSERT_TRUE(change({app("a", "two")}).has_value());
  EXPECT_EQ(callers.ask(), "two");
  ASSERT_TRUE(change({app("a", "lines")}).has_value());
  EXPECT_EQ(callers.ask(), "lines");
  ASSERT_TRUE(change({app("b", "two")}).has_value());
  EXPECT_EQ(callers.ask(), "app://a: not there");
  apps_->begin_drain(std::chrono::steady_clock::now() + kPatience);
  EXPECT_TRUE(drained());
}

TEST_F(AppSetTest, NoRequestByNameFailsWhileAppsOfOtherKindsAndPortsFollowEachOther) {
  Callers callers(shards_, 1, blocking_, local_);
  start({app("a", "one"), app("b", "two")});
  uint16_t first = port(0), second = port(1);
  EXPECT_EQ(callers.ask_while([&] {
    for (int round = 0; round < 12; ++round) {
      bool swapped = round % 2 == 0;
      std::string module = round % 3 == 0 ? "lines" : "one";
      EXPECT_TRUE(change({app("a", module, swapped ? second : first), app("b", "two", swapped ? first : second)}).has_value());
      apps_->reap();
    }
  }),
            "");
}

TEST_F(AppSetTest, APortThatCarriesSomethingElsePassesOnToo) {
  start({app("a", "one")});
  uint16_t at = port();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(change({app("a", "lines")}).has_value());
    EXPECT_EQ(ask(at), "lines");
    ASSERT_TRUE(change({app("a", "one")}).has_value());
    EXPECT_EQ(ask(at), "one");
  }
}

TEST_F(AppSetTest, WhatIsRemovedIsClosedAndItsSeriesGo) {
  start({app("a", "one"), app("b", "two")});
  uint16_t a = port(0), b = port(1);
  ASSERT_TRUE(change({app("b", "two")}).has_value());
  EXPECT_TRUE(drained());
  apps_->reap();
  EXPECT_FALSE(RawClient(a).is_open());
  EXPECT_EQ(ask(b), "two");
  EXPECT_EQ(metrics_.expose().find("app=\"a\""), std::string::npos);
  EXPECT_EQ(apps_->status().size(), 1u);
}

TEST_F(AppSetTest, PortsAreSwappedAndTakenFromThoseThatGo) {
  start({app("a", "one"), app("b", "two")});
  uint16_t first = port(0), second = port(1);
  ASSERT_TRUE(change({app("a", "one", second), app("b", "two", first)}).has_value());
  EXPECT_EQ(ask(first) + ask(second), "twoone");
  ASSERT_TRUE(change({app("c", "lines", second), app("b", "two", first)}).has_value());
  while (!apps_->all_healthy()) std::this_thread::yield();
  EXPECT_EQ(ask(first) + ask(second), "twolines");
}

TEST_F(AppSetTest, OneThatDoesNotBecomeHealthyStaysAsItWasAndOthersChangeBeforeThat) {
  start({app("a", "one"), app("b", "one"), app("d", "one")});
  uint16_t a = port(0), b = port(1), d = port(2);
  talks_ = false;
  ASSERT_TRUE(
      apps_->begin_change({app("c", "one"), app("a", "two"), app_that_starts_by("b", std::chrono::hours(1))}, {}).has_value());
  while (ask(a) != "two") EXPECT_FALSE(apps_->settle(kPatience).has_value());
  EXPECT_TRUE(apps_->changing());
  EXPECT_EQ(ask(b), "one");
  ASSERT_EQ(apps_->status().size(), 3u);
  EXPECT_EQ(apps_->status()[0].name, "c") << "what is new is there";
  while (RawClient(d).is_open()) std::this_thread::yield();  // and what is not named any more is not
  EXPECT_EQ(apps_->call_off(), AppSet::Extent::kInPart);
  ASSERT_TRUE(apps_->begin_change({app("c", "one"), app("a", "two"), app_that_starts_by("b", std::chrono::milliseconds(1))}, {}));
  AppSet::Settled settled = settle();
  EXPECT_EQ(settled.extent, AppSet::Extent::kNothing) << "a is as it shall be already";
  EXPECT_EQ(settled.problems, "starting app b: not healthy after 1ms");
  EXPECT_FALSE(apps_->changing());
  EXPECT_EQ(ask(a) + ask(b), "twoone");
  talks_ = true;
  EXPECT_TRUE(change({app("c", "one"), app("a", "two"), app("b", "lines")}).has_value());
  EXPECT_EQ(ask(b), "lines");
}

TEST_F(AppSetTest, AppsThatHandEachOtherPortsTakeEffectTogetherOrNotAtAll) {
  start({app("a", "one"), app("b", "two"), app("other", "one")});
  uint16_t first = port(0), second = port(1), third = port(2);
  talks_ = false;
  WantedApp never = app_that_starts_by("b", std::chrono::milliseconds(1), first);
  ASSERT_TRUE(apps_->begin_change({app("a", "one", second), never, app("other", "two")}, {}).has_value());
  AppSet::Settled settled = settle();
  EXPECT_EQ(settled.extent, AppSet::Extent::kInPart);
  EXPECT_EQ(settled.problems, "starting app b: not healthy after 1ms");
  EXPECT_EQ(ask(first) + ask(second) + ask(third), "onetwotwo");
}

TEST_F(AppSetTest, EveryModuleThatCannotBeLoadedIsTold) {
  start({app("a", "one")});
  auto changed = change({app("a", "gone"), app("b", "two"), app("c", "lost")});
  ASSERT_FALSE(changed.has_value());
  for (const char* name : {"starting app a: ", "starting app c: "})
    EXPECT_NE(changed.error().message().find(name), std::string::npos) << changed.error().message();
  EXPECT_EQ(ask(port()), "one");
}

TEST_F(AppSetTest, APortInUseRefusesTheChange) {
  start({app("a", "one")});
  net::HttpServer other(shards_, {.address = "127.0.0.1:0"}, nullptr);
  ASSERT_TRUE(other.bind().has_value());
  auto changed = change({app("a", "two"), app("b", "one", other.port())});
  ASSERT_FALSE(changed.has_value());
  EXPECT_NE(changed.error().describe().find("starting app b: listen 127.0.0.1:"), std::string::npos);
  EXPECT_EQ(ask(port()), "one");
}

TEST_F(AppSetTest, AStopWhileItChangesEndsBoth) {
  start({app("a", "one")});
  talks_ = false;
  ASSERT_TRUE(apps_->begin_change({app_that_starts_by("a", std::chrono::hours(1))}, {}).has_value());
  EXPECT_FALSE(apps_->settle(kPatience).has_value());
  apps_->begin_drain(std::chrono::steady_clock::now() + kPatience);
  EXPECT_TRUE(drained());
  EXPECT_EQ(engine_->alive(), 0);
}

}  // namespace
}  // namespace fiso::apps
