#include "config/struct_spec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/check.h"

namespace fiso::config {
namespace {

constexpr std::string_view kMissing = "{path} is required";

std::vector<std::string> accepted_keys(const StructSpec& spec) {
  std::vector<std::string> keys;
  for (const FieldSpec& field : spec.fields)
    if (field.presence != Presence::kRefused) keys.push_back(field.key);
  return keys;
}

// Complains about keys that have no effect: those nobody knows and those refused by name.
void check_keys(const StructSpec& spec, const Reader& reader, const Node& node) {
  for (const Entry& entry : node.entries()) {
    const FieldSpec* field = spec.find(entry.key.text());
    Reader at_key = reader.at(entry.key.text());
    if (field != nullptr && field->presence == Presence::kRefused) at_key.fail(entry.key, field->meaning);
    if (field != nullptr) continue;
    std::vector<std::string> known = accepted_keys(spec);
    std::string hint = did_you_mean(entry.key.text(), known);
    if (hint.empty() && !known.empty()) hint = fmt::format(" (known: {})", fmt::join(known, ", "));
    at_key.fail(entry.key, "unknown key {value}", quote(entry.key.text()) + hint);
  }
}

bool is_empty(const FieldSpec& field, const Node& node) {
  if (node.is_null()) return true;
  if (node.kind() == NodeKind::kText) return node.text().empty();
  return field.container != Container::kOne && node.size() == 0;
}

void report_missing(const FieldSpec& field, const Reader& reader, const Node& place, void* object) {
  size_t before = reader.failures();
  // What is required inside tells more than that the map around it is missing.
  bool descend = field.type == ValueType::kStruct && field.container == Container::kOne && field.missing.empty();
  if (descend) field.read(reader, place, object);
  if (reader.failures() == before) reader.fail(place, field.missing.empty() ? kMissing : field.missing);
}

void read_field(const FieldSpec& field, const Reader& reader, const Node& node, void* object) {
  std::optional<Node> value = node.find(field.key);
  bool empty = !value || is_empty(field, *value);
  if (field.presence == Presence::kRequired && empty)
    return report_missing(field, reader, value ? *value : Node::nothing_in(node), object);
  if (value) return field.read(reader, *value, object);
  // A map that is read later by another spec needs a place for what is missing in it.
  if (field.type == ValueType::kAnyMap) field.read(reader, Node::nothing_in(node), object);
}

}  // namespace

const FieldSpec* StructSpec::find(std::string_view key) const {
  auto found = std::find_if(fields.begin(), fields.end(), [&](const FieldSpec& field) { return field.key == key; });
  return found != fields.end() ? &*found : nullptr;
}

void StructSpec::add(FieldSpec field) {
  FISO_CHECK(find(field.key) == nullptr, field.key);
  fields.push_back(std::move(field));
}

void StructSpec::add(StructCheck check) {
  for (const std::string& key : check.keys) FISO_CHECK(find(key) != nullptr, key);
  checks.push_back(std::move(check));
}

void read_struct(const StructSpec& spec, const Reader& reader, const Node& node, void* object) {
  if (!node.is_null() && node.kind() != NodeKind::kMap) return reader.expected_shape("a map", node);
  check_keys(spec, reader, node);
  std::set<std::string> failed;
  for (const FieldSpec& field : spec.fields) {
    if (field.presence == Presence::kRefused) continue;
    size_t before = reader.failures();
    read_field(field, reader.at(field.key), node, object);
    if (reader.failures() > before) failed.insert(field.key);
  }
  Report report(reader, node);
  for (const StructCheck& check : spec.checks) {
    bool sound = check.keys.empty() ? failed.empty()
                                    : std::none_of(check.keys.begin(), check.keys.end(),
                                                   [&](const std::string& key) { return failed.contains(key); });
    if (sound || check.always) check.run(object, report);
  }
}

void compare_structs(const StructSpec& spec, const void* one, const void* other, const std::string& path,
                     std::vector<std::string>& changed) {
  for (const FieldSpec& field : spec.fields) {
    if (field.presence == Presence::kRefused) continue;
    FISO_CHECK(field.compare, "a field of a type that is not compared");
    field.compare(one, other, path.empty() ? field.key : join_path(path, field.key), changed);
  }
}

void fail_bounds(const Reader& reader, const Node& node, const Bounds& bounds, std::string_view invalid) {
  const auto& [minimum, maximum] = bounds;
  std::string message = minimum && maximum ? fmt::format("between {} and {}", *minimum, *maximum)
                        : minimum          ? ">= " + *minimum
                                           : "<= " + maximum.value_or("");
  if (!invalid.empty()) return reader.fail(node, std::string(invalid) + " (must be " + message + ')', node.text());
  reader.fail(node, "{path} must be {value}", fmt::format("{}, got {}", message, node.text()));
}

bool is_negative(const Node& node) {
  std::string_view text = node.kind() == NodeKind::kText && !node.is_quoted() ? std::string_view(node.text()) : "";
  return text.size() > 1 && text[0] == '-' && text[1] >= '0' && text[1] <= '9';
}

std::optional<Node> Report::find(std::string_view key) const {
  Node node = node_;
  while (!key.empty()) {
    size_t dot = std::min(key.find('.'), key.size());
    std::optional<Node> next = node.find(key.substr(0, dot));
    if (!next) return std::nullopt;
    node = *next;
    key.remove_prefix(std::min(dot + 1, key.size()));
  }
  return node;
}

std::string Report::path_of(std::string_view key) const {
  bool joined = !key.empty() && !reader_.path().empty();
  return joined ? fmt::format("{}.{}", reader_.path(), key) : reader_.path() + std::string(key);
}

void report_at(const Node& node, const std::string& path, Errors& errors, const std::function<void(Report&)>& rule) {
  EnvLookup no_environment;
  Reader reader(path, errors, no_environment);
  Report report(reader, node);
  rule(report);
}

void Report::error(std::string_view key, std::string_view message) {
  reader_.with_path(path_of(key)).fail(find(key).value_or(node_), message);
}

void Report::entry_error(std::string_view key, std::string_view entry, std::string_view message) {
  Node place = find(key).value_or(node_);
  for (const Entry& written : place.entries())
    if (written.key.text() == entry) place = written.key;
  reader_.with_path(join_path(path_of(key), entry)).fail(place, message);
}

void Report::item_error(std::string_view key, size_t index, std::string_view message) {
  Node place = find(key).value_or(node_);
  size_t at = 0;
  for (const Node& written : place.items())
    if (at++ == index) place = written;
  reader_.with_path(join_path(path_of(key), index)).fail(place, message);
}

}  // namespace fiso::config
