#include "net/host_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "async/testing/run_task.h"
#include "base/testing/manual_clock.h"
#include "net/testing/dns_server.h"

namespace fiso::net {
namespace {

using std::chrono::seconds;
using testing::DnsAnswer;
using testing::DnsQuestion;
using testing::DnsServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Manner = DnsAnswer::Manner;

constexpr Duration kMoment = std::chrono::milliseconds(1);

std::vector<std::string> texts(const Addresses& addresses) {
  std::vector<std::string> out;
  for (const auto& address : addresses) out.push_back(address.address().to_string());
  return out;
}

class HostResolverTest : public ::testing::Test {
 protected:
  HostResolverTest() : shards_(1), blocking_(2, 16) {}
  ~HostResolverTest() override {
    shards_.run_on(0, [&](async::Shard&) { resolver_.reset(); });
  }

  void use(const std::string& host, std::vector<std::string> servers) {
    shards_.run_on(0, [&](async::Shard& shard) {
      resolver_ = std::make_unique<HostResolver>(shard, blocking_, host, 80, std::move(servers), clock_);
    });
  }
  Result<Addresses> ask(MonotonicTime deadline = kNever) {
    return testing::run_task(shards_[0], [&] { return resolver_->resolve(deadline); });
  }
  std::vector<std::string> found() {
    auto addresses = ask();
    return addresses.has_value() ? texts(*addresses) : std::vector<std::string>{addresses.error().describe()};
  }
  void none_worked() {
    shards_.run_on(0, [&](async::Shard&) { resolver_->none_worked(); });
  }

  testing::ManualClock clock_;
  async::ShardSet shards_;
  async::BlockingPool blocking_;
  std::unique_ptr<HostResolver> resolver_;
};

DnsAnswer always(const DnsQuestion&) { return {.records = {{.address = "192.0.2.1", .ttl = 7}}}; }

TEST_F(HostResolverTest, AnAnswerIsKeptForAsLongAsItsShortestTimeToLive) {
  DnsServer server([](const DnsQuestion&) {
    return DnsAnswer{.records = {{.address = "192.0.2.1", .ttl = 60}, {.address = "192.0.2.2", .ttl = 7}}};
  });
  use("a.test", {server.address()});
  EXPECT_THAT(found(), ElementsAre("192.0.2.1", "192.0.2.2"));
  clock_.advance(seconds(7) - kMoment);
  found();
  EXPECT_EQ(server.asked(), 1);
  clock_.advance(kMoment);
  found();
  EXPECT_EQ(server.asked(), 2);
}

TEST_F(HostResolverTest, AnAliasCountsWithItsTimeToLive) {
  DnsServer server([](const DnsQuestion&) {
    return DnsAnswer{.records = {{.alias = "b.test", .ttl = 3}, {.address = "192.0.2.1", .ttl = 60}}};
  });
  use("a.test", {server.address()});
  EXPECT_THAT(found(), ElementsAre("192.0.2.1"));
  clock_.advance(seconds(3));
  found();
  EXPECT_EQ(server.asked(), 2);
}

TEST_F(HostResolverTest, TimesToLiveAreASecondAtLeastAndFiveMinutesAtMost) {
  std::atomic<uint32_t> ttl = 0;
  DnsServer server([&](const DnsQuestion&) { return DnsAnswer{.records = {{.address = "192.0.2.1", .ttl = ttl}}}; });
  use("a.test", {server.address()});
  found();
  clock_.advance(seconds(1) - kMoment);
  found();
  EXPECT_EQ(server.asked(), 1);
  clock_.advance(kMoment);
  ttl = 1'000'000;
  found();
  EXPECT_EQ(server.asked(), 2);
  clock_.advance(std::chrono::minutes(5) - kMoment);
  found();
  EXPECT_EQ(server.asked(), 2);
  clock_.advance(kMoment);
  found();
  EXPECT_EQ(server.asked(), 3);
}

TEST_F(HostResolverTest, BothFamiliesAreAskedAndTakeTurns) {
  DnsServer server([](const DnsQuestion& question) {
    if (question.v6)
      return DnsAnswer{.records = {{.address = "2001:db8::1"}, {.address = "2001:db8::2"}, {.address = "2001:db8::3"}}};
    return DnsAnswer{.records = {{.address = "192.0.2.1"}}};
  });
  use("a.test", {server.address()});
  std::vector<std::string> all = found();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_NE(all[0].find(':') == std::string::npos, all[1].find(':') == std::string::npos);
  EXPECT_THAT(all, ::testing::UnorderedElementsAre("2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1"));
}

TEST_F(HostResolverTest, OneFamilyIsEnough) {
  DnsServer server([](const DnsQuestion& question) { return question.v6 ? DnsAnswer{.code = 3} : always(question); });
  use("a.test", {server.address()});
  EXPECT_THAT(found(), ElementsAre("192.0.2.1"));
}

TEST_F(HostResolverTest, AFamilyThatIsNotAnsweredDoesNotCostTheOther) {
  DnsServer server(
      [](const DnsQuestion& question) { return question.v6 ? DnsAnswer{.manner = Manner::kSilence} : always(question); });
  use("a.test", {server.address()});
  EXPECT_THAT(found(), ElementsAre("192.0.2.1"));
}

TEST_F(HostResolverTest, ANameThatIsMissingIsNotAskedForAgainWithinASecond) {
  std::atomic<bool> there = false;
  DnsServer server([&](const DnsQuestion& question) { return there ? always(question) : DnsAnswer{.code = 3}; });
  use("a.test", {server.address()});
  auto missing = ask();
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(missing.error().message(), "name resolution failed");
  EXPECT_THAT(missing.error().describe(), HasSubstr("a.test: Domain name not found"));
  int asked = server.asked();
  there = true;
  clock_.advance(seconds(1) - kMoment);
  EXPECT_FALSE(ask().has_value());
  EXPECT_EQ(server.asked(), asked);
  clock_.advance(kMoment);
  EXPECT_THAT(found(), ElementsAre("192.0.2.1"));
}

TEST_F(HostResolverTest, NoAnswerIsAnErrorInTime) {
  DnsServer server([](const DnsQuestion&) { return DnsAnswer{.manner = Manner::kSilence}; });
  use("a.test", {server.address()});
  auto silent = ask();
  ASSERT_FALSE(silent.has_value());
  EXPECT_EQ(silent.error().code(), ErrorCode::kUnavailable);
}

TEST_F(HostResolverTest, WhoAsksWaitsNoLongerThanTheirOwnDeadline) {
  std::promise<void> go_on;
  std::shared_future<void> may_go_on = go_on.get_future().share();
  DnsServer server([&](const DnsQuestion& question) { return may_go_on.wait(), always(question); });
  use("a.test", {server.address()});
  auto late = ask(std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code(), ErrorCode::kTimeout);
  go_on.set_value();
  EXPECT_THAT(found(), ElementsAre("192.0.2.1"));  // of the lookup that was under way
  EXPECT_EQ(server.asked(), 1);
}

TEST_F(HostResolverTest, HoweverManyAskOneLookupRuns) {
  std::promise<void> go_on;
  std::shared_future<void> may_go_on = go_on.get_future().share();
  DnsServer server([&](const DnsQuestion& question) { return may_go_on.wait(), always(question); });
  use("a.test", {server.address()});
  std::vector<std::future<Result<Addresses>>> all;
  for (int i = 0; i < 20; ++i) all.push_back(std::async(std::launch::async, [&] { return ask(); }));
  go_on.set_value();
  for (auto& one : all) EXPECT_TRUE(one.get().has_value());
  EXPECT_EQ(server.asked(), 1);
}

TEST_F(HostResolverTest, ATruncatedAnswerIsAskedForAgainByTcp) {
  std::vector<testing::DnsRecord> many;
  for (int i = 1; i <= 200; ++i) many.push_back({.address = "192.0.2." + std::to_string(i)});
  DnsServer server([&](const DnsQuestion&) { return DnsAnswer{.records = many, .manner = Manner::kTruncated}; });
  use("a.test", {server.address()});
  EXPECT_EQ(found().size(), 16u);  // more are not tried
}

TEST_F(HostResolverTest, GarbageIsAnError) {
  DnsServer server([](const DnsQuestion&) { return DnsAnswer{.manner = Manner::kGarbage}; });
  use("a.test", {server.address()});
  auto garbage = ask();
  ASSERT_FALSE(garbage.has_value());
  EXPECT_EQ(garbage.error().code(), ErrorCode::kUnavailable);
}

TEST_F(HostResolverTest, AServerThatFailsIsFollowedByTheNext) {
  DnsServer broken([](const DnsQuestion&) { return DnsAnswer{.code = 2}; });
  DnsServer good(always);
  use("a.test", {broken.address(), good.address()});
  EXPECT_THAT(found(), ElementsAre("192.0.2.1"));
}

TEST_F(HostResolverTest, AddressesThatDidNotWorkAreAskedForAgainButNotSoonerThanAfterASecond) {
  DnsServer server([](const DnsQuestion&) { return DnsAnswer{.records = {{.address = "192.0.2.1", .ttl = 300}}}; });
  use("a.test", {server.address()});
  found();
  none_worked();
  found();
  EXPECT_EQ(server.asked(), 1);
  clock_.advance(seconds(1));
  found();
  EXPECT_EQ(server.asked(), 2);
}

TEST_F(HostResolverTest, TheAddressThatWorkedStandsInFront) {
  DnsServer server([](const DnsQuestion&) { return DnsAnswer{.records = {{.address = "192.0.2.1"}, {.address = "192.0.2.2"}}}; });
  use("a.test", {server.address()});
  Addresses all = *ask();
  shards_.run_on(0, [&](async::Shard&) { resolver_->worked(all[1]); });
  EXPECT_THAT(found(), ElementsAre("192.0.2.2", "192.0.2.1"));
}

TEST_F(HostResolverTest, AnAddressIsItselfForEver) {
  use("127.0.0.1", {});
  EXPECT_THAT(found(), ElementsAre("127.0.0.1"));
  none_worked();
  clock_.advance(std::chrono::hours(24));
  EXPECT_THAT(found(), ElementsAre("127.0.0.1"));
  use("::1", {});
  EXPECT_THAT(found(), ElementsAre("::1"));
}

TEST_F(HostResolverTest, TheHostsFileIsReadWithoutAskingAnybody) {
  DnsServer server([](const DnsQuestion&) { return DnsAnswer{.code = 3}; });
  use("localhost", {server.address()});
  EXPECT_THAT(found(), ::testing::Contains("127.0.0.1"));
  EXPECT_EQ(server.asked(), 0);
}

TEST(NameServerTest, IsAnAddressWithOrWithoutAPort) {
  for (const char* good : {"192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]:53", "[::1]", "::1"})
    EXPECT_TRUE(is_name_server(good)) << good;
  for (const char* bad : {"", "dns.test", "192.0.2.53:", "192.0.2.53:0", "192.0.2.53:65536", "192.0.2.53:x", "[::1", "[::1]53",
                          "fe80::1%lo", "1.2.3", ":53"})
    EXPECT_FALSE(is_name_server(bad)) << bad;
}

TEST(NameServerTest, ByIpv6IsAskedToo) {
  // Nobody answers there, which is said at once: the address was understood.
  for (const char* server : {"::1", "[::1]", "[::1]:1"}) {
    auto nobody = look_up_name("a.test", 80, {server});
    ASSERT_FALSE(nobody.has_value());
    EXPECT_THAT(nobody.error().describe(), ::testing::Not(HasSubstr("Misformatted"))) << server;
  }
}

}  // namespace
}  // namespace fiso::net
