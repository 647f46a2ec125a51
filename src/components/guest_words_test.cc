#include "components/guest_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fiso {
namespace {

using ::testing::HasSubstr;

std::string complaint(const std::vector<std::string>& args, const std::map<std::string, Secret>& env) {
  config::Errors errors;
  auto document = config::Document::parse("env: {A: b}\nargs: [c]", "x.yaml", errors);
  std::map<std::string, std::string> preopens;
  std::optional<GuestNetwork> network;
  config::report_at(document->root(), "app", errors, [&](config::Report& report) {
    check_guest_words({.args = args, .env = env, .preopens = preopens, .network = network}, report);
  });
  return errors.render();
}

TEST(GuestWords, MayBeSoManyTogether) {
  std::string much(100'000, 'x');
  EXPECT_EQ(complaint({much}, {{"A", Secret("b")}}), "");
  EXPECT_EQ(complaint({"c"}, {{"A", Secret(much)}}), "");
  EXPECT_THAT(complaint({much + much}, {{"A", Secret("b")}}), HasSubstr("x.yaml:2:7: app.args: arguments, environment"));
  EXPECT_THAT(complaint({"c"}, {{"A", Secret(much)}, {"B", Secret(much)}}), HasSubstr("x.yaml:1:6: app.env: "));
}

TEST(GuestWords, WhatIsEmptyCountsToo) { EXPECT_THAT(complaint(std::vector<std::string>(20'000), {}), HasSubstr("app.args: ")); }

TEST(GuestWords, ValuesAreNotTold) {
  EXPECT_EQ(complaint({}, {{"A", Secret(std::string(300'000, 'z'))}}).find("zz"), std::string::npos);
}

}  // namespace
}  // namespace fiso
