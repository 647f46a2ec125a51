// A directory of flow files, read and checked whole before anything of it is used.
//
// Files named *.yaml or *.yml in the directory itself are flows, in the order of their names; fiso.yaml is the process's
// settings and not a flow. Nothing is opened but the files. Control thread.
#pragma once

#include <string>
#include <vector>

#include "config/errors.h"
#include "core/registry.h"
#include "flow/flow_config.h"

namespace fiso::flow {

inline constexpr std::string_view kSettingsFile = "fiso.yaml";

// A flow whose configuration is valid, components included.
struct FlowDraft {
  FlowConfig config;
  core::Draft<core::Source> source;
  std::vector<core::Draft<core::Interceptor>> interceptors;
  core::Draft<core::Sink> sink;
};

// All that is wrong in any file is in `errors`; then the drafts are of no use. An Error means that there is no such
// directory or nothing in it: "read config dir DIR: ...", "no flow definitions found in DIR".
Result<std::vector<FlowDraft>> load_flows(const std::string& directory, const core::Registry& registry, config::Errors& errors);

// One file's text. Fails only through `errors`.
void load_flow(std::string_view text, const std::string& file, const core::Registry& registry, std::vector<FlowDraft>& flows,
               config::Errors& errors);

// What components find beyond their own keys, such as modules that are missing and paths that two flows claim. `resources` is
// what their checks ask for.
void check_flows(const std::vector<FlowDraft>& flows, const core::Resources& resources, config::Errors& errors);

}  // namespace fiso::flow
