#include "base/ascii.h"
#include "config/describe.h"
#include "config/json_text.h"

namespace fiso::config {
namespace {

using Json = JsonText;

Json struct_schema(const StructSpec& spec);

Json of_type(std::string_view type) { return Json::object().set("type", type); }

Json any_of(Json first, Json second) {
  return Json::object().set("anyOf", Json::array().add(std::move(first)).add(std::move(second)));
}

Json strings(const std::vector<std::string>& values) {
  Json list = Json::array();
  for (const std::string& value : values) list.add(Json::string(value));
  return list;
}

Json scalar_schema() { return Json::object().set("type", strings({"string", "number", "boolean"})); }

Json secret_schema() {
  Json reference = Json::object();
  for (const char* key : {"fromEnv", "fromFile"}) reference.set(key, of_type("string"));
  Json object = of_type("object");
  object.set("properties", std::move(reference)).set("additionalProperties", Json::literal("false"));
  object.set("minProperties", Json::literal("1")).set("maxProperties", Json::literal("1"));
  return any_of(scalar_schema(), std::move(object));
}

Json number_schema(const FieldSpec& field) {
  Json schema = of_type(field.type == ValueType::kInteger ? "integer" : "number");
  if (field.minimum) schema.set("minimum", Json::literal(*field.minimum));
  if (field.maximum) schema.set("maximum", Json::literal(*field.maximum));
  return schema;
}

Json duration_schema() {
  Json text = of_type("string").set("pattern", "^(0|([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+)$");
  return any_of(std::move(text), Json::object().set("const", Json::literal("0")));
}

Json bytes_schema() {
  Json text = of_type("string").set("pattern", "^[0-9]+(\\.[0-9]+)?(B|KiB|MiB|GiB|KB|MB|GB)?$");
  return any_of(of_type("integer").set("minimum", Json::literal("0")), std::move(text));
}

bool is_integer(std::string_view word) {
  if (word.starts_with('-')) word.remove_prefix(1);
  return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

// The words as text, and those that are numbers as numbers too: YAML reads them so where they are not quoted.
Json words_schema(const std::vector<std::string>& words) {
  Json list = strings(words);
  bool has_numbers = false;
  for (const std::string& word : words) {
    if (!is_integer(word)) continue;
    list.add(Json::literal(word));
    has_numbers = true;
  }
  return has_numbers ? Json::object().set("enum", std::move(list)) : of_type("string").set("enum", std::move(list));
}

// One of the words in any case, white space around it aside.
std::string any_case_pattern(const std::vector<std::string>& words) {
  std::string pattern;
  for (const std::string& word : words) {
    pattern += pattern.empty() ? "^[ \\t\\r\\n]*(" : "|";
    for (char c : word) {
      bool letter = ascii_lower(c) != ascii_upper(c);
      pattern += letter ? std::string{'[', ascii_lower(c), ascii_upper(c), ']'} : std::string(1, c);
    }
  }
  return pattern + ")[ \\t\\r\\n]*$";
}

Json text_schema(const FieldSpec& field) {
  if (field.container != Container::kOne) return scalar_schema();
  if (!field.words.empty() && field.match == Match::kExact) return words_schema(field.words);
  Json schema = of_type("string");
  if (!field.words.empty() && field.match == Match::kIgnoreCase) schema.set("pattern", any_case_pattern(field.words));
  if (!field.pattern.empty()) schema.set("pattern", field.pattern);
  if (field.words.empty() && field.presence == Presence::kRequired) schema.set("minLength", Json::literal("1"));
  return schema;
}

Json element_schema(const FieldSpec& field) {
  switch (field.type) {
    case ValueType::kText: return text_schema(field);
    case ValueType::kBool: return of_type("boolean");
    case ValueType::kInteger:
    case ValueType::kNumber: return number_schema(field);
    case ValueType::kDuration: return duration_schema();
    case ValueType::kMilliseconds: return any_of(of_type("integer").set("minimum", Json::literal("0")), duration_schema());
    case ValueType::kBytes: return bytes_schema();
    case ValueType::kSecret: return secret_schema();
    case ValueType::kStruct: return struct_schema(*field.nested);
    case ValueType::kAnyMap: return of_type("object");
  }
  return Json::object();
}

Json field_schema(const FieldSpec& field) {
  if (field.container == Container::kOne) return element_schema(field);
  bool list = field.container == Container::kList;
  Json schema = of_type(list ? "array" : "object");
  schema.set(list ? "items" : "additionalProperties", element_schema(field));
  if (field.presence == Presence::kRequired) schema.set(list ? "minItems" : "minProperties", Json::literal("1"));
  return schema;
}

void set_default(const FieldSpec& field, Json& schema) {
  if (!field.default_value || field.container != Container::kOne) return;
  bool literal = field.type == ValueType::kBool || field.type == ValueType::kInteger || field.type == ValueType::kNumber;
  schema.set("default", literal ? Json::literal(*field.default_value) : Json::string(*field.default_value));
}

// If the selector has this word, the map has these keys.
Json variant_rule(const Variants& variants, const std::string& word, const StructSpec& variant) {
  Json is_word = Json::object().set(variants.selector, Json::object().set("const", word));
  Json condition = Json::object().set("properties", std::move(is_word)).set("required", strings({variants.selector}));
  Json properties = Json::object().set(variants.key, struct_schema(variant));
  return Json::object().set("if", std::move(condition)).set("then", Json::object().set("properties", std::move(properties)));
}

Json struct_schema(const StructSpec& spec) {
  Json properties = Json::object();
  std::vector<std::string> required;
  for (const FieldSpec& field : spec.fields) {
    if (field.presence == Presence::kRefused) continue;
    if (field.presence == Presence::kRequired) required.push_back(field.key);
    Json schema = field_schema(field);
    schema.set("description", field.meaning);
    set_default(field, schema);
    properties.set(field.key, std::move(schema));
  }
  Json schema = of_type("object");
  schema.set("properties", std::move(properties));
  if (!required.empty()) schema.set("required", strings(required));
  schema.set("additionalProperties", Json::literal("false"));
  Json rules = Json::array();
  for (const Variants& variants : spec.variants)
    for (const auto& [word, variant] : variants.specs) rules.add(variant_rule(variants, word, *variant));
  if (!rules.empty()) schema.set("allOf", std::move(rules));
  return schema;
}

}  // namespace

std::string to_json_schema(const StructSpec& spec) {
  Json schema = Json::object().set("$schema", "https://json-schema.org/draft/2020-12/schema");
  schema.set("title", spec.name).set("description", spec.summary);
  schema.merge(struct_schema(spec));
  return schema.write();
}

}  // namespace fiso::config
