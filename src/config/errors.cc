#include "config/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace fiso::config {
namespace {

constexpr size_t kLongestQuote = 80;

bool is_plain_key(std::string_view key) {
  auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !key.empty() && std::all_of(key.begin(), key.end(), plain);
}

// The first `limit` bytes of `text`, without half a character at the end.
std::string_view cut(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return text.substr(0, limit);
}

}  // namespace

std::string ConfigError::render() const {
  std::string place = line > 0 ? fmt::format("{}:{}:{}", file, line, column) : file;
  return key_path.empty() ? fmt::format("{}: {}", place, message) : fmt::format("{}: {}: {}", place, key_path, message);
}

std::vector<ConfigError> Errors::sorted() const {
  std::vector<ConfigError> sorted = errors_;
  std::sort(sorted.begin(), sorted.end(), [](const ConfigError& a, const ConfigError& b) {
    return std::tie(a.file, a.line, a.column, a.key_path, a.message) < std::tie(b.file, b.line, b.column, b.key_path, b.message);
  });
  return sorted;
}

std::string Errors::render() const {
  std::string text;
  for (const ConfigError& error : sorted()) text += error.render() + "\n";
  return text;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  std::string_view shown = cut(text, kLongestQuote);
  for (char c : shown) {
    if (c == '\n')
      out += "\\n";
    else if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  out += shown.size() < text.size() ? "...\"" : "\"";
  return out;
}

std::string join_path(std::string_view path, std::string_view key) {
  if (!is_plain_key(key)) return fmt::format("{}[{}]", path, quote(key));
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::string join_path(std::string_view path, size_t index) { return fmt::format("{}[{}]", path, index); }

}  // namespace fiso::config
