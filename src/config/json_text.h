// A JSON value that keeps the order of its members, to write schemas with. Internal to fiso_config.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fiso::config {

class JsonText {
 public:
  static JsonText object() { return JsonText(Kind::kObject, ""); }
  static JsonText array() { return JsonText(Kind::kArray, ""); }
  static JsonText string(std::string_view value) { return JsonText(Kind::kString, value); }
  // A number, true, false or null.
  static JsonText literal(std::string_view json) { return JsonText(Kind::kLiteral, json); }

  JsonText& set(std::string_view name, JsonText value) &;
  JsonText& set(std::string_view name, std::string_view value) & { return set(name, string(value)); }
  JsonText& add(JsonText value) &;
  JsonText set(std::string_view name, JsonText value) && { return std::move(set(name, std::move(value))); }
  JsonText set(std::string_view name, std::string_view value) && { return std::move(set(name, string(value))); }
  JsonText add(JsonText value) && { return std::move(add(std::move(value))); }
  // Takes over the members of another object.
  JsonText& merge(JsonText object);

  bool empty() const { return children_.empty(); }
  // With two spaces for each level.
  std::string write() const;

 private:
  enum class Kind { kObject, kArray, kString, kLiteral };
  JsonText(Kind kind, std::string_view text) : kind_(kind), text_(text) {}
  void write(std::string& out, size_t level) const;

  Kind kind_;
  std::string text_;
  std::vector<std::pair<std::string, JsonText>> children_;  // an array's have no names
};

}  // namespace fiso::config
