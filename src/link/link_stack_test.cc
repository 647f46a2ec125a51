#include "link/link_stack.h"

#include "link/testing/link_fixture.h"

namespace fiso::link {
namespace {

using namespace testing;  // NOLINT

class LinkStackTest : public LinkFixture {
 protected:
  static TargetConfig with_token(uint16_t port) {
    TargetConfig config = config_on(port);
    config.auth.type = AuthType::kBearer;
    return config;
  }
};

TEST_F(LinkStackTest, TheCredentialOfATargetIsNotSentToAnotherOfItsName) {
  ScriptedUpstream echo([](ScriptedUpstream::Conversation& c) {
    for (std::string request; !(request = c.read_request()).empty();) c.send(response_text(401, request));
  });
  auto before = make(with_token(echo.port())), after = make(with_token(echo.port()));
  use({before});
  use({after});
  on_shard([&](LinkStack& stack) {
    stack.set_credential(*after, {});
    stack.set_credential(*before, credential("old", 1));
  });
  EXPECT_EQ(status_of(get()), 500);
  on_shard([&](LinkStack& stack) { stack.set_credential(*after, credential("new", 1)); });
  std::string said = get();
  EXPECT_NE(said.find("Authorization: new\r\n"), std::string::npos) << said;
  on_shard([&](LinkStack&) { EXPECT_EQ(rejected_, std::pair(after, uint64_t{1})); });
}

TEST_F(LinkStackTest, WhoWaitsForACredentialOfATargetThatGoesIsToldSo) {
  TargetConfig config = with_token(1);
  config.timeout = std::chrono::hours(1);
  use({make(config)});
  for (bool replaced : {true, false}) {
    RawClient client(server_->port());
    client.send("GET /link/a/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (int i = 0; i < 1000; ++i) on_shard([](LinkStack&) {});  // it waits by now; if not, there is no target any more
    std::vector<std::shared_ptr<Target>> next;
    if (replaced) next.push_back(make(config));
    use(next);
    if (replaced) on_shard([&](LinkStack& stack) { stack.set_credential(*next[0], {}); });
    int status = status_of(client.read_response());
    EXPECT_TRUE(status == 500 || status == 404) << status;
    if (replaced) on_shard([&](LinkStack& stack) { stack.set_credential(*next[0], {.is_asked_for = true}); });
  }
}

TEST_F(LinkStackTest, AnAnswerWithoutEndDoesNotKeepTheBreakerFromClosing) {
  ScriptedUpstream target([](ScriptedUpstream::Conversation& c) {
    for (std::string request; !(request = c.read_request()).empty();) {
      if (c.number() == 0) c.send("HTTP/1.1 500 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      if (c.number() == 0) return;
      c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
      c.wait_for_close();
    }
  });
  TargetConfig config = config_on(target.port());
  config.breaker = {
      .enabled = true, .failure_threshold = 1, .success_threshold = 2, .reset_timeout = {std::chrono::milliseconds(1)}};
  use({make(config)});
  EXPECT_EQ(status_of(get()), 500);
  std::vector<RawClient> open;
  auto ask = [&] {
    open.emplace_back(server_->port());
    open.back().send("GET /link/a/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return status_of(open.back().read_until("\r\n\r\n"));
  };
  while (int status = ask() - 200) ASSERT_EQ(status, 503 - 200) << "until the breaker's time is over";
  EXPECT_EQ(ask(), 200);
  EXPECT_EQ(ask(), 200);
}

TEST_F(LinkStackTest, WaitingForAConnectionOfOursIsNotTheTargetsFault) {
  TargetConfig config = config_on(1);
  config.max_connections = 1;
  config.timeout = std::chrono::milliseconds(50);
  config.breaker = {.enabled = true, .failure_threshold = 1};
  auto target = make(config);
  use({target});
  async::Limiter::Permit taken = target->connections.try_acquire();
  std::string said = get();
  EXPECT_EQ(status_of(said), 503);
  EXPECT_EQ(body_of(said), "too many requests wait for the target\n");
  EXPECT_EQ(target->breaker->state(), CircuitBreaker::State::kClosed);
}

}  // namespace
}  // namespace fiso::link
