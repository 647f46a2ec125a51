#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/describe.h"

namespace fiso::config {
namespace {

std::string value_name(const FieldSpec& field) {
  if (!field.words.empty()) return fmt::format("`{}`", fmt::join(field.words, "`, `"));
  switch (field.type) {
    case ValueType::kText: return "text";
    case ValueType::kBool: return "true or false";
    case ValueType::kInteger: return "whole number";
    case ValueType::kNumber: return "number";
    case ValueType::kDuration: return "duration";
    case ValueType::kMilliseconds: return "duration, or milliseconds as a whole number";
    case ValueType::kBytes: return "size";
    case ValueType::kSecret: return "secret";
    case ValueType::kStruct:
    case ValueType::kAnyMap: return "map";
  }
  return "";
}

std::string type_name(const FieldSpec& field) {
  std::string name = value_name(field);
  if (field.container == Container::kList) name = "list of " + name;
  if (field.container == Container::kMap) name = "map of " + name;
  if (field.minimum && field.maximum) return fmt::format("{}, {} to {}", name, *field.minimum, *field.maximum);
  if (field.minimum) return fmt::format("{}, at least {}", name, *field.minimum);
  if (field.maximum) return fmt::format("{}, at most {}", name, *field.maximum);
  return name;
}

// Text for a table cell.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string default_cell(const FieldSpec& field) {
  if (field.presence == Presence::kRequired) return "**required**";
  return field.default_value ? fmt::format("`{}`", *field.default_value) : "";
}

void add_rows(const StructSpec& spec, const std::string& prefix, std::string& rows) {
  for (const FieldSpec& field : spec.fields) {
    std::string key = prefix + field.key;
    if (field.presence == Presence::kRefused) {
      rows += fmt::format("| `{}` | | | *Refused:* {} |\n", key, cell(field.meaning));
      continue;
    }
    rows += fmt::format("| `{}` | {} | {} | {} |\n", key, cell(type_name(field)), cell(default_cell(field)), cell(field.meaning));
    if (field.type != ValueType::kStruct) continue;
    if (field.container == Container::kList) key += "[]";
    if (field.container == Container::kMap) key += ".<name>";
    add_rows(*field.nested, key + ".", rows);
  }
}

// A table for each variant of `spec` and of the structs in it.
void add_variants(const StructSpec& spec, const std::string& prefix, std::string& page);

void add_table(const StructSpec& spec, const std::string& title, const std::string& prefix, std::string& page) {
  page += fmt::format("### {}\n\n{}\n\n", title, spec.summary);
  std::string rows;
  add_rows(spec, prefix, rows);
  if (!rows.empty()) page += "| key | type | default | meaning |\n|---|---|---|---|\n" + rows + "\n";
  add_variants(spec, prefix, page);
}

void add_variants(const StructSpec& spec, const std::string& prefix, std::string& page) {
  for (const FieldSpec& field : spec.fields) {
    if (field.type != ValueType::kStruct) continue;
    std::string step = field.container == Container::kList ? "[]" : field.container == Container::kMap ? ".<name>" : "";
    add_variants(*field.nested, prefix + field.key + step + ".", page);
  }
  for (const Variants& variants : spec.variants)
    for (const auto& [word, variant] : variants.specs)
      add_table(*variant, fmt::format("`{}{}: {}`", prefix, variants.selector, word), prefix + variants.key + ".", page);
}

}  // namespace

std::string to_markdown(const StructSpec& spec) {
  std::string page;
  add_table(spec, spec.name, "", page);
  return page;
}

}  // namespace fiso::config
