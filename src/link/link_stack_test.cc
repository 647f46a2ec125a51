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

}  // namespace
}  // namespace fiso::link
