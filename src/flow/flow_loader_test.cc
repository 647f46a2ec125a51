#include "flow/flow_loader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/testing/fake_components.h"

namespace fiso::flow {
namespace {

constexpr char kGood[] = "name: %\nsource: {type: http, config: {word: a}}\nsink: {type: stdout, config: {word: b}}\n";

std::string good_flow(const std::string& name) { return std::string(kGood).replace(6, 1, name); }

class FlowLoaderTest : public ::testing::Test {
 protected:
  FlowLoaderTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fiso-loader-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~FlowLoaderTest() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(directory_ + "/" + name) << text; }

  // What is wrong, with the directory's name left out.
  std::string problems() {
    config::Errors errors;
    auto flows = load_flows(directory_, registry_, errors);
    std::string text = flows.has_value() ? errors.render() : flows.error().message() + "\n";
    for (size_t at; (at = text.find(directory_)) != std::string::npos;) text.replace(at, directory_.size(), "DIR");
    return text;
  }
  std::vector<std::string> names() {
    config::Errors errors;
    auto flows = load_flows(directory_, registry_, errors);
    EXPECT_TRUE(errors.empty()) << errors.render();
    std::vector<std::string> found;
    for (const FlowDraft& flow : *flows) found.push_back(flow.config.name);
    return found;
  }

  core::Registry registry_ = testing::fake_registry();
  std::string directory_;
};

TEST_F(FlowLoaderTest, ADirectoryThatIsMissingIsNamed) {
  std::filesystem::remove_all(directory_);
  EXPECT_EQ(problems(), "read config dir DIR: No such file or directory\n");
}

TEST_F(FlowLoaderTest, ADirectoryThatIsAFileIsNamed) {
  std::filesystem::remove_all(directory_);
  std::ofstream file(directory_);
  EXPECT_EQ(problems(), "read config dir DIR: Not a directory\n");
}

TEST_F(FlowLoaderTest, ADirectoryWithoutFlowsIsAnError) {
  EXPECT_EQ(problems(), "no flow definitions found in DIR\n");
  write("fiso.yaml", "shards: 1\n");
  write("readme.md", "x");
  write("flow.yaml.bak", "x");
  std::filesystem::create_directory(directory_ + "/sub.yaml");
  EXPECT_EQ(problems(), "no flow definitions found in DIR\n");
}

TEST_F(FlowLoaderTest, ReadsBothEndingsInTheOrderOfNames) {
  write("b.yml", good_flow("two"));
  write("a.yaml", good_flow("one"));
  write("c.yaml", good_flow("three"));
  EXPECT_EQ(names(), (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(FlowLoaderTest, FollowsLinksAsKubernetesMakesThem) {
  std::filesystem::create_directory(directory_ + "/..data");
  write("..data/a.yaml", good_flow("linked"));
  std::filesystem::create_symlink("..data/a.yaml", directory_ + "/a.yaml");
  EXPECT_EQ(names(), std::vector<std::string>{"linked"});
}

TEST_F(FlowLoaderTest, ShowsWhatIsWrongInAllFilesAtOnce) {
  write("a.yaml", "name: a\nsource: {type: http, config: {word: 1}}\nsink: {type: ktail}\nextra: 1\n");
  write("b.yaml", "source: {type: http, config: {word: x, wrod: y}}\n");
  write("c.yaml", good_flow("c"));
  write("d.yaml", "name: [\n");
  std::string text = problems();
  EXPECT_NE(text.find("DIR/a.yaml:2:37: source.config.word: expected text (quote it: \"1\")"), std::string::npos) << text;
  EXPECT_NE(text.find("DIR/a.yaml:3:14: sink.type: sink.type \"ktail\" is not valid (must be one of: stdout)"), std::string::npos)
      << text;
  EXPECT_NE(text.find("DIR/a.yaml:4:1: extra: unknown key \"extra\""), std::string::npos) << text;
  EXPECT_NE(text.find("DIR/b.yaml:1:1: name: name is required"), std::string::npos) << text;
  EXPECT_NE(text.find("DIR/b.yaml:1:1: sink: sink.type is required"), std::string::npos) << text;
  EXPECT_NE(text.find("source.config.wrod: unknown key \"wrod\" (did you mean \"word\"?)"), std::string::npos) << text;
  EXPECT_NE(text.find("DIR/d.yaml:"), std::string::npos) << text;
  EXPECT_EQ(text.find("DIR/c.yaml"), std::string::npos) << text;
}

TEST_F(FlowLoaderTest, TwoFlowsOfOneNameAreAnError) {
  write("a.yaml", good_flow("same"));
  write("b.yaml", "# a comment\n" + good_flow("same"));
  EXPECT_EQ(problems(), "DIR/b.yaml:2:7: name: another flow is named \"same\" already\n");
}

TEST_F(FlowLoaderTest, AFileThatCannotBeReadIsAnErrorOfThatFile) {
  write("a.yaml", good_flow("a"));
  std::filesystem::create_symlink("nowhere", directory_ + "/b.yaml");
  EXPECT_EQ(problems(), "DIR/b.yaml: the file cannot be read: it is a link that leads nowhere\n");
}

TEST_F(FlowLoaderTest, AnEmptyFileLacksEverything) {
  write("a.yaml", "");
  std::string text = problems();
  EXPECT_NE(text.find("name is required"), std::string::npos) << text;
  EXPECT_NE(text.find("source.type is required"), std::string::npos) << text;
  EXPECT_NE(text.find("sink.type is required"), std::string::npos) << text;
}

// Opening a FIFO waits for a writer who never comes.
TEST_F(FlowLoaderTest, WhatIsNoFileIsNotOpened) {
  ASSERT_EQ(mkfifo((directory_ + "/pipe.yaml").c_str(), 0600), 0);
  EXPECT_EQ(problems(), "DIR/pipe.yaml: the file cannot be read: it is not a regular file\n");
}

TEST_F(FlowLoaderTest, PreparesEachComponentOfAFlow) {
  write("a.yaml", good_flow("a") + "interceptors: [{type: wasm, config: {word: x}}, {type: wasm, config: {word: y}}]\n");
  config::Errors errors;
  auto flows = load_flows(directory_, registry_, errors);
  ASSERT_TRUE(errors.empty()) << errors.render();
  EXPECT_TRUE((*flows)[0].source.prepare);
  EXPECT_TRUE((*flows)[0].sink.prepare);
  EXPECT_EQ((*flows)[0].interceptors.size(), 2u);
}

}  // namespace
}  // namespace fiso::flow
