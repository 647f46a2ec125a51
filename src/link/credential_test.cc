#include "link/credential.h"

#include <gtest/gtest.h>

namespace fiso::link {
namespace {

std::string sent(const AuthConfig& auth, const std::string& secret) {
  auto credential = make_credential(auth, Secret(secret));
  if (!credential.has_value()) return credential.error().message();
  return credential->header + ": " + credential->value.reveal();
}

TEST(Credential, IsTheHeaderOfItsKind) {
  EXPECT_EQ(sent({.type = AuthType::kBearer}, "t"), "Authorization: Bearer t");
  EXPECT_EQ(sent({.type = AuthType::kOAuth2}, "t"), "Authorization: Bearer t");
  EXPECT_EQ(sent({.type = AuthType::kApiKey}, "k"), "Authorization: k");
  EXPECT_EQ(sent({.type = AuthType::kApiKey, .header = "X-Key"}, "k"), "X-Key: k");
  EXPECT_EQ(sent({.type = AuthType::kBasic}, "dTpw"), "Authorization: Basic dTpw");
  EXPECT_EQ(sent({.type = AuthType::kBasic, .username = "u"}, "p w"), "Authorization: Basic dTpwIHc=");
}

TEST(Credential, IsNoneOfWhatNoHeaderCanCarry) {
  for (AuthType type : {AuthType::kBearer, AuthType::kOAuth2, AuthType::kApiKey, AuthType::kBasic})
    for (const std::string& secret :
         {std::string("a b"), std::string("a\r\nX: y"), std::string("a\0b", 3), std::string("\xc3\xa4"), std::string(16385, 'x')})
      EXPECT_EQ(sent({.type = type}, secret), "the secret holds what a header cannot carry");
  EXPECT_EQ(sent({.type = AuthType::kBearer}, ""), "the secret is empty");
}

TEST(Credential, OfUserAndPasswordMayHoldAnything) {
  EXPECT_EQ(sent({.type = AuthType::kBasic, .username = "u"}, "\xc3\xa4\n"), "Authorization: Basic dTrDpAo=");
}

}  // namespace
}  // namespace fiso::link
