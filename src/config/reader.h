// How one value of a configuration is read: where it sits, where complaints about it go, and where secrets come from.
//
// The read_ functions turn a node into a value, or report what was expected and what was found and leave the value as it
// was. Nothing that is read as a Secret is ever quoted.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "base/units.h"
#include "config/document.h"
#include "config/errors.h"

namespace fiso::config {

// The value of an environment variable, or nothing.
using EnvLookup = std::function<std::optional<std::string>(const std::string& name)>;
EnvLookup process_environment();

class Reader {
 public:
  // Borrows both for its life.
  Reader(std::string path, Errors& errors, const EnvLookup& environment)
      : path_(std::move(path)), errors_(errors), environment_(environment) {}

  Reader at(std::string_view key) const { return with_path(join_path(path_, key)); }
  Reader at(size_t index) const { return with_path(join_path(path_, index)); }
  Reader with_path(std::string path) const { return Reader(std::move(path), errors_, environment_); }

  const std::string& path() const { return path_; }
  const EnvLookup& environment() const { return environment_; }

  // In `message`, "{path}" stands for the key path.
  void fail(const Node& node, std::string_view message) const { fail(node, message, ""); }
  // And "{value}" for `value`.
  void fail(const Node& node, std::string_view message, std::string_view value) const;
  void expected(std::string_view what, const Node& found) const;
  // For maps and lists, which may be made for secrets: does not quote what was found.
  void expected_shape(std::string_view what, const Node& found) const;
  // So far, of the whole configuration.
  size_t failures() const { return errors_.size(); }

 private:
  std::string path_;
  Errors& errors_;
  const EnvLookup& environment_;
};

// Text that does not look like anything else: 8081 where text belongs is mostly a mistake, and "8081" says it is none.
void read_text(const Reader& reader, const Node& node, std::string& value);
// Any scalar, as it was written: `PORT: 8080` in an environment, `1.0` in a list of arguments.
void read_scalar(const Reader& reader, const Node& node, std::string& value);
void read_bool(const Reader& reader, const Node& node, bool& value);
void read_integer(const Reader& reader, const Node& node, int64_t& value);
// Not infinite, not a NaN.
void read_number(const Reader& reader, const Node& node, double& value);
void read_duration(const Reader& reader, const Node& node, Duration& value);
// A duration, or a whole number of milliseconds.
void read_milliseconds(const Reader& reader, const Node& node, Duration& value);
void read_bytes(const Reader& reader, const Node& node, Bytes& value);
// A scalar, {fromEnv: NAME} or {fromFile: PATH}; of a file, without its last line break.
void read_secret(const Reader& reader, const Node& node, Secret& value);

// A word that is known, and refused with a sentence that says why.
struct Refused {
  std::string word;
  std::string sentence;
};

enum class Match { kExact, kIgnoreCase };

// Which words a value may be.
struct Words {
  std::vector<std::string> allowed;
  std::vector<Refused> refused;
  std::string invalid;  // message for all others, with {path} and {value}; has a default
  Match match = Match::kExact;
};

// The index in words.allowed, or nothing and a complaint.
std::optional<size_t> read_word(const Reader& reader, const Node& node, const Words& words);

// Calls `read` with each entry or item of a map or list; null has none.
void read_entries(const Reader& reader, const Node& node, const std::function<void(const Reader&, const Entry&)>& read);
void read_items(const Reader& reader, const Node& node, const std::function<void(const Reader&, const Node&)>& read);

// " (did you mean \"timeout\"?)" if one of `known` is close to `word`, else "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace fiso::config
