#include "program/ask_tool.h"

#include <gtest/gtest.h>

namespace fiso::program {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

TEST(AskTool, GivesWhatTheProgramPrints) {
  auto said = ask_tool({"sh", "-c", "cat; echo \"$1 two\"; echo nothing >&2", "sh", "one"}, minutes(1));
  ASSERT_TRUE(said.has_value()) << said.error().message();
  EXPECT_EQ(*said, "one two\n");
}

TEST(AskTool, TellsAProgramThatIsNotThereFromOneThatFails) {
  EXPECT_EQ(ask_tool({"no-program-of-this-name"}, minutes(1)).error().code(), ErrorCode::kNotFound);
  auto failed = ask_tool({"sh", "-c", "echo first >&2; echo last >&2; exit 3"}, minutes(1));
  EXPECT_EQ(failed.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(failed.error().message(), "last");
  EXPECT_EQ(ask_tool({"false"}, minutes(1)).error().message(), "it ended with 1");
  EXPECT_EQ(ask_tool({"sh", "-c", "kill -9 $$"}, minutes(1)).error().message(), "it was ended by signal 9");
}

TEST(AskTool, EndsAProgramThatTakesTooLong) {
  auto asked = ask_tool({"sh", "-c", "while :; do :; done"}, milliseconds(50));
  EXPECT_EQ(asked.error().code(), ErrorCode::kTimeout);
  EXPECT_EQ(asked.error().message(), "it has not ended");
}

}  // namespace
}  // namespace fiso::program
