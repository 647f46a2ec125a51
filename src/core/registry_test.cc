#include "core/registry.h"

#include <gtest/gtest.h>

#include "core/testing/fake_components.h"
#include "observe/testing/captured_log.h"

namespace fiso::core {
namespace {

config::Node parse(std::string_view yaml, config::Errors& errors) {
  return config::Document::parse(yaml, "x.yaml", errors)->root();
}

TEST(RegistryTest, FindsATypeByItsName) {
  Registry registry = testing::fake_registry();
  ASSERT_NE(Registry::find(registry.sinks(), "stdout"), nullptr);
  EXPECT_EQ(Registry::find(registry.sinks(), "Stdout"), nullptr);
  EXPECT_EQ(Registry::find(registry.sources(), "stdout"), nullptr);
  EXPECT_EQ(Registry::find(registry.interceptors(), "wasm")->spec->name, "wasm");
}

TEST(RegistryTest, AComponentReadsItsOwnConfigAndReportsAllThatIsWrong) {
  Registry registry = testing::fake_registry();
  config::Errors errors;
  auto draft = Registry::find(registry.sinks(), "stdout")->parse(parse("wrd: x\n", errors), "sink.config", errors);
  EXPECT_FALSE(draft.prepare);
  EXPECT_FALSE(draft.check);
  EXPECT_EQ(errors.render(),
            "x.yaml:1:1: sink.config.word: sink.config.word is required\n"
            "x.yaml:1:1: sink.config.wrd: unknown key \"wrd\" (did you mean \"word\"?)\n");
}

TEST(RegistryTest, WhatWasParsedCanBePreparedLater) {
  Registry registry = testing::fake_registry();
  config::Errors errors;
  const auto* type = Registry::find(registry.sinks(), "stdout");
  auto good = type->parse(parse("word: fine\n", errors), "sink.config", errors);
  auto bad = type->parse(parse("word: broken\n", errors), "sink.config", errors);
  ASSERT_TRUE(errors.empty());
  observe::Metrics metrics;
  Resources resources;
  BuildContext context{"flow", {}, metrics, resources};
  EXPECT_TRUE(good.prepare(context).has_value());
  EXPECT_EQ(bad.prepare(context).error().message(), "it is broken");
}

struct Checked {
  static constexpr std::string_view kType = "checked";
  using Config = testing::FakeComponentConfig;
  static config::Spec<Config> spec() { return testing::fake_component_spec("checked"); }
  static Prepared<Sink> prepare(const Config&, BuildContext&) { return Error(ErrorCode::kInternal, "not asked for"); }
  static void check(const Config& config, const Resources& resources, config::Report& report) {
    report.error("word", "{path}: " + std::to_string(resources.get<int>()) + " has " + config.word);
  }
};

TEST(RegistryTest, ACheckReportsAtTheKeyWhenItIsAskedTo) {
  Registry registry;
  registry.add_sink<Checked>();
  config::Errors errors;
  auto draft = Registry::find(registry.sinks(), "checked")->parse(parse("\nword: it\n", errors), "sink.config", errors);
  ASSERT_TRUE(errors.empty());
  ASSERT_TRUE(draft.check);
  int number = 7;
  Resources resources;
  resources.add(number);
  draft.check(resources, errors);
  EXPECT_EQ(errors.render(), "x.yaml:2:7: sink.config.word: sink.config.word: 7 has it\n");
}

TEST(ResourcesTest, AreFoundByType) {
  int number = 7;
  Resources resources;
  resources.add(number);
  EXPECT_EQ(&resources.get<int>(), &number);
  EXPECT_EQ(resources.find<long>(), nullptr);
}

}  // namespace
}  // namespace fiso::core
