#include "components/guest_environment.h"

#include <gtest/gtest.h>

#include "config/spec.h"

namespace fiso {
namespace {

struct Guest {
  std::map<std::string, Secret> env;
};

std::string errors_of(const std::string& text) {
  config::Errors errors;
  Guest guest;
  auto spec = config::Spec<Guest>("guest", "").field("env", &Guest::env, "").check({"env"}, [](const Guest& read, auto& report) {
    check_environment(read.env, report);
  });
  auto document = config::Document::parse(text, "x.yaml", errors);
  if (document.has_value()) spec.parse(document->root(), "config", guest, errors);
  return errors.render();
}

TEST(GuestEnvironment, ANameIsAnythingThatAGuestCanLookUp) {
  EXPECT_EQ(errors_of("env: {A: 1, b.c-d: 'x=y', \"ä\": ''}"), "");
  EXPECT_EQ(errors_of("env:\n  A=B: canary\n  '': canary\n"),
            "x.yaml:2:3: config.env[\"A=B\"]: the name of a variable cannot hold =\n"
            "x.yaml:3:3: config.env[\"\"]: a variable needs a name\n");
}

}  // namespace
}  // namespace fiso
