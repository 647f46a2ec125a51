#include "server/settings.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fiso::server {
namespace {

class SettingsTest : public ::testing::Test {
 protected:
  SettingsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fiso-settings-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~SettingsTest() override { std::filesystem::remove_all(directory_); }

  Settings load(const std::string& text) {
    std::ofstream(directory_ + "/fiso.yaml") << text;
    return load_settings(directory_, full_, errors_);
  }

  std::string directory_;
  wasm::FullEngineSupport full_;
  config::Errors errors_;
};

TEST_F(SettingsTest, WithoutAFileAllHaveDefaults) {
  Settings settings = load_settings(directory_, full_, errors_);
  EXPECT_TRUE(errors_.empty());
  EXPECT_EQ(settings.shards, 0);
  EXPECT_EQ(settings.shutdown_timeout, std::chrono::seconds(25));
  EXPECT_EQ(settings.wasm.max_instances, 512);
  EXPECT_EQ(settings.http.header_bytes, 64_KiB);
  EXPECT_EQ(settings.http.body_bytes, 10_MiB);
  EXPECT_EQ(settings.http.total_body_bytes, 256_MiB);
}

TEST_F(SettingsTest, EachKeyIsRead) {
  Settings settings = load(
      "shards: 3\nshutdownTimeout: 7s\n"
      "wasm: {maxInstances: 11, instanceQueue: 12, totalMemory: 13MiB, maxStack: 1MiB, compile: {cpu: 14s, memory: 128MiB}}\n"
      "http: {maxConnections: 15, maxHeaderBytes: 16KiB, maxHeaders: 17, maxBodyBytes: 18B, maxTotalBodyBytes: 23MiB,\n"
      "  headerTimeout: 19s, bodyTimeout: 20s,\n"
      "  idleTimeout: 21s, writeTimeout: 22s}\n");
  EXPECT_TRUE(errors_.empty()) << errors_.render();
  EXPECT_EQ(settings.shards, 3);
  EXPECT_EQ(settings.shutdown_timeout, std::chrono::seconds(7));
  EXPECT_EQ(settings.wasm.max_instances, 11);
  EXPECT_EQ(settings.wasm.instance_queue, 12);
  EXPECT_EQ(settings.wasm.total_memory, 13_MiB);
  EXPECT_EQ(settings.wasm.max_stack, 1_MiB);
  EXPECT_EQ(settings.wasm.compile.cpu, std::chrono::seconds(14));
  EXPECT_EQ(settings.wasm.compile.memory, 128_MiB);
  EXPECT_EQ(settings.http.connections, 15u);
  EXPECT_EQ(settings.http.header_bytes, 16_KiB);
  EXPECT_EQ(settings.http.header_fields, 17u);
  EXPECT_EQ(settings.http.body_bytes, 18_B);
  EXPECT_EQ(settings.http.total_body_bytes, 23_MiB);
  EXPECT_EQ(settings.http.header_timeout, std::chrono::seconds(19));
  EXPECT_EQ(settings.http.body_timeout, std::chrono::seconds(20));
  EXPECT_EQ(settings.http.idle_timeout, std::chrono::seconds(21));
  EXPECT_EQ(settings.http.write_timeout, std::chrono::seconds(22));
}

TEST_F(SettingsTest, WhatIsWrongIsNamedWithItsPlace) {
  load("shards: 1000\nwasm: {maxInstance: 1}\n");
  EXPECT_NE(errors_.render().find("fiso.yaml:1:9: shards: shards must be between 0 and 256, got 1000"), std::string::npos)
      << errors_.render();
  EXPECT_NE(errors_.render().find("unknown key \"maxInstance\" (did you mean \"maxInstances\"?)"), std::string::npos)
      << errors_.render();
}

TEST_F(SettingsTest, TheLargestBodyFitsIntoTheTotal) {
  load("http: {maxBodyBytes: 300MiB}\n");
  EXPECT_NE(errors_.render().find("http.maxTotalBodyBytes must be at least maxBodyBytes, 300MiB"), std::string::npos)
      << errors_.render();
}

TEST_F(SettingsTest, TheNetworkOfAllGuestsNeedsAnEngineThatHeedsIt) {
  std::string text = "network: {allow: [\"db.internal:5432\"], dns: false}\n";
  Settings settings = load(text);
  EXPECT_TRUE(errors_.empty()) << errors_.render();
  EXPECT_EQ(settings.network.rules().mode, wasm::NetworkMode::kAllowList);
  EXPECT_FALSE(settings.network.rules().dns);
  EXPECT_EQ(settings_spec().changed(settings, Settings()), (std::vector<std::string>{"network.allow", "network.dns"}));
  full_.why_not = "use another program";
  load(text);
  EXPECT_NE(
      errors_.render().find("fiso.yaml:1:10: network: network has an effect with `runtime: wasmer` only: use another program"),
      std::string::npos)
      << errors_.render();
}

// The file is there, so its settings are meant.
TEST_F(SettingsTest, AFileThatCannotBeReadIsAnError) {
  std::filesystem::create_directory(directory_ + "/fiso.yaml");
  load_settings(directory_, full_, errors_);
  EXPECT_NE(errors_.render().find("fiso.yaml: the file cannot be read"), std::string::npos) << errors_.render();
}

}  // namespace
}  // namespace fiso::server
