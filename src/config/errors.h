// Everything that is wrong with a configuration, collected and shown at once.
//
// Readers report and go on; whoever started them asks empty() at the end. Messages may quote what the operator wrote,
// never a secret: a value read as one is not quoted anywhere. Values; not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fiso::config {

struct ConfigError {
  std::string file;
  int line = 0;          // 1-based; 0 when there is no place to point at
  int column = 0;        // 1-based, in characters
  std::string key_path;  // "interceptors[0].config.module"; empty for the document as a whole
  std::string message;

  // "file:line:column: key.path: message"
  std::string render() const;
};

class Errors {
 public:
  void add(ConfigError error) { errors_.push_back(std::move(error)); }

  bool empty() const { return errors_.empty(); }
  size_t size() const { return errors_.size(); }
  // Ordered by file and position.
  std::vector<ConfigError> sorted() const;
  // One line each, ordered by file and position.
  std::string render() const;

 private:
  std::vector<ConfigError> errors_;  // in the order of discovery
};

// `text` in double quotes, on one line and not longer than an error message can bear.
std::string quote(std::string_view text);
// `path` with one more step: "a" + "b" is "a.b"; a key that is not a plain word is "a[\"b.c\"]".
std::string join_path(std::string_view path, std::string_view key);
std::string join_path(std::string_view path, size_t index);

}  // namespace fiso::config
