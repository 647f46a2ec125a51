// Each configuration in tests/golden/config and what is said about it: NAME.yaml is a flow (settings_NAME.yaml the settings,
// apps_NAME.yaml the apps, link_NAME.yaml a link file, aio_NAME.yaml one of fiso-wasmer-aio), NAME.expected all complaints, or
// "ok". FISO_UPDATE_GOLDEN=1 writes the expected files anew, for a reviewer to read.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "flow/flow_loader.h"
#include "server/aio_file.h"
#include "server/apps_file.h"
#include "server/link_file.h"
#include "server/registries.h"
#include "server/settings.h"

namespace fiso::server {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

std::string complaints(const fs::path& file) {
  config::Errors errors;
  std::string name = file.filename(), text = read(file);
  if (name.starts_with("settings_")) {
    auto document = config::Document::parse(text, name, errors);
    Settings settings;
    if (document.has_value()) settings_spec().parse(document->root(), "", settings, errors);
  } else if (name.starts_with("apps_")) {
    auto document = config::Document::parse(text, name, errors);
    AppsFile apps;
    if (document.has_value()) apps_file_spec().parse(document->root(), "", apps, errors);
  } else if (name.starts_with("aio_")) {
    auto document = config::Document::parse(text, name, errors);
    AioFile aio;
    if (document.has_value()) aio_file_spec().parse(document->root(), "", aio, errors);
  } else if (name.starts_with("link_")) {
    auto document = config::Document::parse(text, name, errors);
    LinkFile link;
    core::Registry registry;
    register_target_components(registry);
    if (document.has_value()) link_file_spec(registry).parse(document->root(), "", link, errors);
  } else {
    core::Registry registry;
    register_flow_components(registry);
    std::vector<flow::FlowDraft> flows;
    flow::load_flow(text, name, registry, flows, errors);
  }
  return errors.empty() ? "ok\n" : errors.render();
}

TEST(ConfigGoldenTest, EveryFileIsComplainedAboutAsExpected) {
  ::setenv("FISO_GOLDEN_SECRET", "canary", 1);  // for link files, which read their secrets
  ::setenv("FISO_GOLDEN_SPOILT", "canary\n", 1);
  int files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(FISO_SOURCE_DIR) / "tests/golden/config")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    fs::path expected = fs::path(entry.path()).replace_extension(".expected");
    std::string found = complaints(entry.path());
    if (std::getenv("FISO_UPDATE_GOLDEN") != nullptr) std::ofstream(expected, std::ios::binary) << found;
    EXPECT_EQ(found, read(expected)) << entry.path();
    EXPECT_EQ(found.find("canary"), std::string::npos) << "a secret was quoted: " << entry.path();
    EXPECT_EQ(found == "ok\n", entry.path().filename().string().find("good") != std::string::npos) << entry.path() << "\n"
                                                                                                   << found;
  }
  EXPECT_GT(files, 20);
}

}  // namespace
}  // namespace fiso::server
