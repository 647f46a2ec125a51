// The schemas in docs/ say what the program says: each configuration in tests/golden/config is held against its schema, by the
// part of JSON Schema that the generator writes. What a schema cannot say is listed by file.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "config/document.h"
#include "json/scan.h"
#include "json/text.h"

namespace fiso::server {
namespace {

namespace fs = std::filesystem;
using config::Node;
using config::NodeKind;

// Bad ones that a schema takes for good, since what is wrong is none of the shape: rules over several keys, bounds of durations
// and sizes, names in lists, the YAML itself.
const std::set<std::string> kBeyondSchemas = {
    "bad_max_retries.yaml",    "bad_duplicate_keys.yaml",   "bad_expressions.yaml",       "bad_listen_address.yaml",
    "bad_listen_host.yaml",    "bad_secret_in_header.yaml", "bad_two_documents.yaml",     "pool_without_pooled.yaml",
    "settings_bad_total.yaml", "apps_bad_together.yaml",    "apps_bad_twice.yaml",        "link_bad_twice.yaml",
    "link_bad_vault_tls.yaml", "link_bad_vault_token.yaml", "link_bad_vault_unused.yaml", "link_bad_vault_without.yaml",
    "aio_bad_addresses.yaml",
};

std::string read(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

std::string text_of(std::string_view raw) { return json::unquote(raw).value(); }
double number_of(std::string_view raw) { return std::stod(std::string(raw)); }

bool is_integer(const Node& node) {
  return node.looks_like_number() && node.text().find_first_not_of("+-0123456789") == std::string::npos;
}

// A scalar's type as JSON has it.
bool is_of_type(const Node& node, const std::string& type) {
  if (type == "object") return node.kind() == NodeKind::kMap;
  if (type == "array") return node.kind() == NodeKind::kList;
  if (type == "integer") return is_integer(node);
  if (type == "number") return node.looks_like_number();
  if (type == "boolean") return node.kind() == NodeKind::kText && node.looks_like_bool();
  EXPECT_EQ(type, "string");
  return node.kind() == NodeKind::kText && !node.looks_like_number() && !node.looks_like_bool();
}

// What does not fit, or nothing. Keywords that it does not know fail the test.
class Validator {
 public:
  std::string validate(std::string_view schema, const Node& node, const std::string& path) {
    json::Document document = json::Document::parse(schema).value();
    for (const json::Member& keyword : document.members()) {
      std::string found = check(text_of(keyword.key), keyword.value, document, node);
      if (!found.empty()) return found.find(": ") == std::string::npos ? path + ": " + found : found;
    }
    return validate_children(document, node, path);
  }

 private:
  bool fits(std::string_view schema, const Node& node) { return validate(schema, node, "").empty(); }

  std::string check(const std::string& keyword, std::string_view value, const json::Document& schema, const Node& node) {
    bool is_text = is_of_type(node, "string");
    auto any = [&](auto fit) { return std::ranges::any_of(json::elements(value), fit); };
    bool good = true;
    if (keyword == "type") {
      good = value.front() == '[' ? any([&](std::string_view type) { return is_of_type(node, text_of(type)); })
                                  : is_of_type(node, text_of(value));
    } else if (keyword == "enum") {
      good = any([&](std::string_view word) { return node.text() == text_of(word); });
    } else if (keyword == "const") {
      good = node.text() == (value.front() == '"' ? text_of(value) : std::string(value));
    } else if (keyword == "pattern") {
      good = !is_text || std::regex_search(node.text(), std::regex(text_of(value)));
    } else if (keyword == "minimum") {
      good = !node.looks_like_number() || number_of(node.text()) >= number_of(value);
    } else if (keyword == "maximum") {
      good = !node.looks_like_number() || number_of(node.text()) <= number_of(value);
    } else if (keyword == "minLength") {
      good = !is_text || static_cast<double>(node.text().size()) >= number_of(value);
    } else if (keyword == "minItems" || keyword == "minProperties") {
      good = static_cast<double>(node.size()) >= number_of(value);
    } else if (keyword == "maxProperties") {
      good = static_cast<double>(node.size()) <= number_of(value);
    } else if (keyword == "required") {
      good = !any([&](std::string_view key) { return !node.find(text_of(key)).has_value(); });
    } else if (keyword == "anyOf") {
      good = any([&](std::string_view one) { return fits(one, node); });
    } else if (keyword == "allOf") {
      for (std::string_view one : json::elements(value))
        if (std::string found = validate(one, node, "(variant)"); !found.empty()) return found;
    } else if (keyword == "then") {
      if (fits(*schema.find("if"), node)) return validate(value, node, "(variant)");
    } else {
      EXPECT_TRUE(kOthers.contains(keyword)) << keyword;
    }
    return good ? "" : keyword + " " + std::string(value.substr(0, 60));
  }

  std::string validate_children(const json::Document& schema, const Node& node, const std::string& path) {
    auto properties = json::Document::parse(schema.find("properties").value_or("{}")).value();
    auto additional = schema.find("additionalProperties");
    for (const config::Entry& entry : node.entries()) {
      std::string at = path + "." + entry.key.text(), found;
      if (auto property = properties.find(entry.key.text()); property.has_value()) {
        found = validate(*property, entry.value, at);
      } else if (additional == "false") {
        return at + ": there is no such key";
      } else if (additional.has_value()) {
        found = validate(*additional, entry.value, at);
      }
      if (!found.empty()) return found;
    }
    if (auto items = schema.find("items"); items.has_value())
      for (const Node& item : node.items())
        if (std::string found = validate(*items, item, path + "[]"); !found.empty()) return found;
    return "";
  }

  inline static const std::set<std::string, std::less<>> kOthers = {
      "$schema", "title", "description", "default", "properties", "additionalProperties", "items", "if"};
};

enum class Of { kFlow, kSettings, kApps, kLink, kAio };

Of kind_of(const std::string& name) {
  if (name.starts_with("settings_")) return Of::kSettings;
  if (name.starts_with("apps_")) return Of::kApps;
  if (name.starts_with("aio_")) return Of::kAio;
  return name.starts_with("link_") ? Of::kLink : Of::kFlow;
}

std::string complaint(const std::string& yaml, Of kind) {
  config::Errors errors;
  auto document = config::Document::parse(yaml, "x", errors);
  if (!document.has_value()) return "no YAML";
  const char* file = kind == Of::kSettings ? "settings-schema.json"
                     : kind == Of::kApps   ? "apps-schema.json"
                     : kind == Of::kLink   ? "link-schema.json"
                     : kind == Of::kAio    ? "aio-schema.json"
                                           : "config-schema.json";
  std::string schema = read(fs::path(FISO_SOURCE_DIR) / "docs" / file);
  return Validator().validate(schema, document->root(), "");
}

TEST(ConfigSchemaTest, AcceptsWhatTheProgramAcceptsAndNoMore) {
  for (const auto& entry : fs::directory_iterator(fs::path(FISO_SOURCE_DIR) / "tests/golden/config")) {
    if (entry.path().extension() != ".yaml") continue;
    std::string name = entry.path().filename(), found = complaint(read(entry.path()), kind_of(name));
    bool accepted = read(fs::path(entry.path()).replace_extension(".expected")) == "ok\n" || kBeyondSchemas.contains(name);
    EXPECT_EQ(found.empty(), accepted) << name << "\n" << found;
  }
}

TEST(ConfigSchemaTest, KnowsTheWordsOfEachKey) {
  std::string flow = "name: a\nsource: {type: http, config: {listenAddr: ':1'}}\nsink: {type: http, config: {url: 'http://a'}}\n";
  EXPECT_EQ(complaint(flow, Of::kFlow), "");
  for (std::string good : {"sink", " Sink ", "SINK"})
    EXPECT_EQ(complaint(flow + "errorHandling: {commitPolicy: '" + good + "'}", Of::kFlow), "");
  for (std::string bad :
       {"errorHandling: {commitPolicy: sink_or_dlq}", "errorHandling: {commitPolicy: kafka_transaction}",
        "errorHandling: {commitPolicy: ''}", "errorHandling: {maxRetries: -1}", "errorHandling: {backoff: Linear}",
        "transform: {}", "cloudevents: {id: x}", "interceptors: [{type: grpc}]"})
    EXPECT_NE(complaint(flow + bad, Of::kFlow), "") << bad;
  EXPECT_NE(complaint("name: a\nsource: {type: http, config: {listenAddr: '1'}}\nsink: {type: discard}", Of::kFlow), "");
  EXPECT_NE(complaint("name: a\nsource: {type: http, config: {listenAddr: ':1', path: x}}\nsink: {type: discard}", Of::kFlow),
            "");
}

}  // namespace
}  // namespace fiso::server
