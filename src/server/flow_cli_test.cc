#include "server/flow_cli.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fiso::server {
namespace {

std::vector<char*> to_argv(std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  return argv;
}

class FlowMainTest : public ::testing::Test {
 protected:
  FlowMainTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fiso-cli-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~FlowMainTest() override { std::filesystem::remove_all(directory_); }

  int run(std::vector<std::string> words) {
    words.insert(words.begin(), "fiso-flow");
    auto argv = to_argv(words);
    argv.push_back(nullptr);
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    int exit_code = flow_main(static_cast<int>(words.size()), argv.data(), "fiso-flow",
                              {.make = [](const EngineParts&) -> Result<std::unique_ptr<wasm::Runtimes>> {
                                 return Error(ErrorCode::kInternal, "no engine in this test");
                               },
                               .full = {.why_not = "use another program"}});
    out_ = ::testing::internal::GetCapturedStdout();
    err_ = ::testing::internal::GetCapturedStderr();
    return exit_code;
  }
  void write(const std::string& text) { std::ofstream(directory_ + "/a.yaml") << text; }

  std::string directory_, out_, err_;
};

TEST_F(FlowMainTest, AnEngineThatTheProgramLacksIsTheConfigurationsFault) {
  write(
      "name: a\nsource: {type: http, config: {listenAddr: \"127.0.0.1:0\"}}\n"
      "interceptors:\n  - {type: wasm, config: {module: /dev/null, runtime: wasmer}}\nsink: {type: stdout}\n");
  EXPECT_EQ(run({"-config-dir", directory_, "-check"}), 1);
  EXPECT_NE(err_.find("a.yaml:4:55: interceptors[0].config.runtime: use another program"), std::string::npos) << err_;
}

TEST_F(FlowMainTest, SaysItsVersion) {
  for (std::string flag : {"-version", "--version"}) {
    EXPECT_EQ(run({flag}), 0);
    EXPECT_EQ(out_, std::string("fiso-flow ") + FISO_VERSION + "\n");
  }
}

TEST_F(FlowMainTest, Helps) {
  for (std::string flag : {"-help", "--help", "-h"}) {
    EXPECT_EQ(run({flag}), 0);
    for (std::string_view word : {"--config-dir", "--log-level", "--check", "FISO_CONFIG_DIR", "FISO_METRICS_ADDR"})
      EXPECT_NE(out_.find(word), std::string::npos) << word;
  }
}

TEST_F(FlowMainTest, WrongUsageIsExitTwo) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"-no-such-flag"}, {"-config-dir"}, {"stray"}}) {
    EXPECT_EQ(run(words), 2) << words[0];
    EXPECT_TRUE(err_.starts_with("error: ")) << err_;
    EXPECT_EQ(out_, "");
  }
}

TEST_F(FlowMainTest, ChecksAConfiguration) {
  write("name: a\nsource: {type: http, config: {listenAddr: ':1'}}\nsink: {type: discard}\n");
  EXPECT_EQ(run({"-check", "-config-dir", directory_}), 0);
  EXPECT_EQ(out_, directory_ + ": ok\n");
  EXPECT_EQ(run({"-config-dir=" + directory_, "--check"}), 0);
}

TEST_F(FlowMainTest, ACheckSaysAllThatIsWrong) {
  write("name: a\nsource: {type: http}\nsink: {type: discrd}\n");
  EXPECT_EQ(run({"-check", "-config-dir", directory_}), 1);
  EXPECT_TRUE(err_.starts_with("error: load config: 2 problems\n")) << err_;
  EXPECT_NE(err_.find("http source: HTTP listen address is required"), std::string::npos) << err_;
  EXPECT_NE(err_.find("sink.type \"discrd\" is not valid"), std::string::npos) << err_;
}

TEST_F(FlowMainTest, ADirectoryThatIsMissingOrEmptyIsExitOne) {
  EXPECT_EQ(run({"-config-dir", directory_}), 1);
  EXPECT_EQ(err_, "error: load config: no flow definitions found in " + directory_ + "\n");
  EXPECT_EQ(run({"-config-dir", directory_ + "/missing"}), 1);
  EXPECT_EQ(err_, "error: load config: read config dir " + directory_ + "/missing: No such file or directory\n");
}

}  // namespace
}  // namespace fiso::server
