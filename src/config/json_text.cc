#include "config/json_text.h"

#include <fmt/format.h>

namespace fiso::config {
namespace {

void write_string(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

}  // namespace

JsonText& JsonText::set(std::string_view name, JsonText value) & {
  children_.emplace_back(name, std::move(value));
  return *this;
}

JsonText& JsonText::add(JsonText value) & {
  children_.emplace_back("", std::move(value));
  return *this;
}

JsonText& JsonText::merge(JsonText object) {
  for (auto& child : object.children_) children_.push_back(std::move(child));
  return *this;
}

std::string JsonText::write() const {
  std::string out;
  write(out, 0);
  return out + "\n";
}

void JsonText::write(std::string& out, size_t level) const {
  if (kind_ == Kind::kString) return write_string(out, text_);
  if (kind_ == Kind::kLiteral) return void(out += text_);
  out += kind_ == Kind::kObject ? '{' : '[';
  for (size_t i = 0; i < children_.size(); ++i) {
    const auto& [name, value] = children_[i];
    out += i == 0 ? "\n" : ",\n";
    out.append(2 * (level + 1), ' ');
    if (kind_ == Kind::kObject) {
      write_string(out, name);
      out += ": ";
    }
    value.write(out, level + 1);
  }
  if (!children_.empty()) (out += '\n').append(2 * level, ' ');
  out += kind_ == Kind::kObject ? '}' : ']';
}

}  // namespace fiso::config
