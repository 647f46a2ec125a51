#include "server/command_line.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace fiso::server {
namespace {

using Words = std::vector<std::string>;

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() {
    app_.add_option("--config-dir", directory_);
    app_.add_option("--log-level", level_);
    app_.add_flag("--check", check_);
    app_.set_help_flag("--help,-h");
  }
  Words normal(Words words) {
    auto argv = to_argv(words);
    return normalise_arguments(static_cast<int>(argv.size()), argv.data(), app_);
  }
  std::optional<int> parse(Words words) {
    auto argv = to_argv(words);
    return parse_command_line(app_, static_cast<int>(argv.size()), argv.data());
  }

  CLI::App app_{"", "fiso-flow"};
  std::string directory_ = "default", level_ = "default";
  bool check_ = false;

 private:
  static std::vector<char*> to_argv(Words& words) {
    words.insert(words.begin(), "fiso-flow");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    return argv;
  }
};

TEST_F(CommandLineTest, ASingleDashBeforeALongNameBecomesTwoAndValuesStandAlone) {
  EXPECT_EQ(normal({"-config-dir", "./flows"}), (Words{"--config-dir", "./flows"}));
  EXPECT_EQ(normal({"-config-dir=./flows", "-check"}), (Words{"--config-dir", "./flows", "--check"}));
  EXPECT_EQ(normal({"--log-level=debug"}), (Words{"--log-level", "debug"}));
}

TEST_F(CommandLineTest, LettersDashesAndWhatFollowsTwoDashesStay) {
  EXPECT_EQ(normal({"-h", "-", "x"}), (Words{"-h", "-", "x"}));
  EXPECT_EQ(normal({"-check", "--", "-not-a-flag"}), (Words{"--check", "--", "-not-a-flag"}));
  EXPECT_EQ(normal({}), Words{});
}

TEST_F(CommandLineTest, BehindASubcommandTheOptionsAreItsOwn) {
  app_.add_subcommand("run")->add_option("--timeout", level_);
  EXPECT_EQ(normal({"-check", "run", "-timeout=5s", "x"}), (Words{"--check", "run", "--timeout", "5s", "x"}));
  EXPECT_EQ(normal({"-config-dir", "run", "-timeout=5s"}), (Words{"--config-dir", "run", "--timeout=5s"}));
}

TEST_F(CommandLineTest, AnEmptyValueDoesNotTakeTheNextFlag) {
  EXPECT_EQ(parse({"-log-level=", "-check", "-config-dir", ""}), std::nullopt);
  EXPECT_EQ(level_, "");
  EXPECT_EQ(directory_, "");
  EXPECT_TRUE(check_);
}

TEST_F(CommandLineTest, AValueIsNotRewritten) {
  EXPECT_EQ(parse({"-config-dir", "-weird", "-log-level=--check"}), std::nullopt);
  EXPECT_EQ(directory_, "-weird");
  EXPECT_EQ(level_, "--check");
  EXPECT_FALSE(check_);
}

TEST_F(CommandLineTest, TheLastOfRepeatsCounts) {
  EXPECT_EQ(parse({"-log-level", "debug", "-log-level=info", "-check", "-check"}), std::nullopt);
  EXPECT_EQ(level_, "info");
  EXPECT_TRUE(check_);
}

TEST_F(CommandLineTest, WrongUseEndsTheProgram) {
  EXPECT_EQ(parse({"-no-such-flag"}), 2);
  EXPECT_EQ(parse({"-config-dir"}), 2);
}

}  // namespace
}  // namespace fiso::server
