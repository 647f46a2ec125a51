#include "flow/flow_loader.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "config/file_text.h"

namespace fiso::flow {
namespace {

namespace fs = std::filesystem;

Result<std::vector<std::string>> flow_files(const std::string& directory) {
  std::error_code failed;
  std::vector<std::string> files;
  for (fs::directory_iterator entry(directory, failed), end; !failed && entry != end; entry.increment(failed)) {
    std::string extension = entry->path().extension().string();
    bool flow = (extension == ".yaml" || extension == ".yml") && entry->path().filename() != kSettingsFile;
    std::error_code unknown;
    if (flow && !entry->is_directory(unknown)) files.push_back(entry->path().string());
  }
  if (failed) return Error(ErrorCode::kInvalidConfig, "read config dir " + directory + ": " + failed.message());
  if (files.empty()) return Error(ErrorCode::kInvalidConfig, "no flow definitions found in " + directory);
  std::ranges::sort(files);
  return files;
}

void check_names(const std::vector<FlowDraft>& flows, const FlowDraft& added, const config::Node& root, config::Errors& errors) {
  for (const FlowDraft& other : flows) {
    if (other.config.name.empty() || other.config.name != added.config.name) continue;
    config::Node name = root.find("name").value_or(root);
    errors.add({name.file(), name.position().line, name.position().column, "name",
                "another flow is named " + config::quote(added.config.name) + " already"});
    return;
  }
}

}  // namespace

void load_flow(std::string_view text, const std::string& file, const core::Registry& registry, std::vector<FlowDraft>& flows,
               config::Errors& errors) {
  auto document = config::Document::parse(text, file, errors);
  if (!document.has_value()) return;
  FlowDraft draft;
  flow_spec(registry).parse(document->root(), "", draft.config, errors);
  draft.source = core::parse_component(registry.sources(), draft.config.source, "source", errors);
  draft.sink = core::parse_component(registry.sinks(), draft.config.sink, "sink", errors);
  for (size_t i = 0; i < draft.config.interceptors.size(); ++i) {
    draft.interceptors.push_back(core::parse_component(registry.interceptors(), draft.config.interceptors[i],
                                                       "interceptors[" + std::to_string(i) + "]", errors));
  }
  check_names(flows, draft, document->root(), errors);
  flows.push_back(std::move(draft));
}

Result<std::vector<FlowDraft>> load_flows(const std::string& directory, const core::Registry& registry, config::Errors& errors) {
  FISO_TRY(std::vector<std::string> files, flow_files(directory));
  std::vector<FlowDraft> flows;
  for (const std::string& file : files) {
    if (auto text = config::read_file_text(file); text.has_value()) {
      load_flow(*text, file, registry, flows, errors);
    } else {
      errors.add({file, 0, 0, "", "the file cannot be read: " + text.error().message()});
    }
  }
  return flows;
}

void check_flows(const std::vector<FlowDraft>& flows, const core::Resources& resources, config::Errors& errors) {
  auto run = [&](const core::Check& check) {
    if (check) check(resources, errors);
  };
  for (const FlowDraft& flow : flows) {
    run(flow.source.check);
    for (const auto& interceptor : flow.interceptors) run(interceptor.check);
    run(flow.sink.check);
  }
}

}  // namespace fiso::flow
