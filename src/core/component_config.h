// Where a configuration names a component: `type: NAME` and `config: {…}`, whose keys are those of the component.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/registry.h"

namespace fiso::core {

struct ComponentConfig {
  std::string type;
  config::Node config;  // read by the component's own Spec
};

// `refused` are types that are known, and not built.
template <class T>
config::Spec<ComponentConfig> component_spec(std::string name, std::string summary, const std::vector<ComponentType<T>>& types,
                                             std::vector<config::Refused> refused) {
  config::Rules<std::string> rules;
  for (const auto& type : types) rules.one_of.push_back(type.name);
  rules.refused = std::move(refused);
  rules.missing = "{path} is required";
  std::string words;
  for (const std::string& word : rules.one_of) words += (words.empty() ? "" : ", ") + word;
  rules.invalid = "{path} \"{value}\" is not valid (must be one of: " + words + ")";
  std::vector<std::pair<std::string, std::shared_ptr<const config::StructSpec>>> variants;
  for (const auto& type : types) variants.emplace_back(type.name, type.spec);
  return config::Spec<ComponentConfig>(std::move(name), std::move(summary))
      .required("type", &ComponentConfig::type, "Which one.", std::move(rules))
      .field("config", &ComponentConfig::config, "Its own settings.")
      .variants("config", "type", std::move(variants));
}

// The component of that type reads its own part, `path` + ".config"; an unknown type has been reported already.
template <class T>
Draft<T> parse_component(const std::vector<ComponentType<T>>& types, const ComponentConfig& config, const std::string& path,
                         config::Errors& errors) {
  const auto* type = Registry::find(types, config.type);
  return type == nullptr ? Draft<T>() : type->parse(config.config, path + ".config", errors);
}

}  // namespace fiso::core
