// What is known about a config struct without knowing its type: enough to read it, to document it, to give its schema.
//
// Built by Spec<T> (config/spec.h); immutable afterwards, so thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader.h"

namespace fiso::config {

enum class ValueType { kText, kBool, kInteger, kNumber, kDuration, kMilliseconds, kBytes, kSecret, kStruct, kAnyMap };
enum class Container { kOne, kList, kMap };
enum class Presence { kOptional, kRequired, kRefused };

struct StructSpec;

struct FieldSpec {
  std::string key;
  std::string meaning;  // a sentence; if refused, why
  Presence presence = Presence::kOptional;
  std::string missing;  // message when required and absent or empty, with {path}; has a default
  ValueType type = ValueType::kText;
  Container container = Container::kOne;
  std::optional<std::string> default_value;  // as one would write it
  std::optional<std::string> minimum, maximum;
  std::vector<std::string> words;            // the only values; empty for any
  Match match = Match::kExact;               // of the words
  std::string pattern;                       // of text, for the schema; empty for any
  std::shared_ptr<const StructSpec> nested;  // of a kStruct
  std::function<void(const Reader&, const Node&, void* object)> read;
  // Adds the key paths under `path` that differ between two objects; empty for types that nobody compares.
  std::function<void(const void* one, const void* other, const std::string& path, std::vector<std::string>& changed)> compare;
};

// Where a check of a whole struct reports to.
class Report {
 public:
  Report(const Reader& reader, const Node& node) : reader_(reader), node_(node) {}

  // At the value of `key`, which may go deeper ("auth.mechanism"), or at the struct if the key is not written.
  // `message` may use {path}.
  void error(std::string_view key, std::string_view message);
  // At the key of an entry of the map `key`.
  void entry_error(std::string_view key, std::string_view entry, std::string_view message);
  // At an item of the list `key`.
  void item_error(std::string_view key, size_t index, std::string_view message);
  // True if the operator wrote the key.
  bool has(std::string_view key) const { return find(key).has_value(); }

 private:
  std::optional<Node> find(std::string_view key) const;
  std::string path_of(std::string_view key) const;
  const Reader& reader_;
  const Node& node_;
};

// Lets `rule` report at the keys of a struct that was read before, at `path` of its file.
void report_at(const Node& node, const std::string& path, Errors& errors, const std::function<void(Report&)>& rule);

struct StructCheck {
  std::vector<std::string> keys;  // runs only if none of these failed; empty for all fields
  std::function<void(const void* object, Report&)> run;
  bool always = false;  // whatever failed
};

// What a kAnyMap field holds, by the value of a sibling field.
struct Variants {
  std::string key;       // "config"
  std::string selector;  // "type"
  std::vector<std::pair<std::string, std::shared_ptr<const StructSpec>>> specs;
};

struct StructSpec {
  std::string name;
  std::string summary;  // a sentence
  std::vector<FieldSpec> fields;
  std::vector<StructCheck> checks;
  std::vector<Variants> variants;  // for documentation and schema only

  const FieldSpec* find(std::string_view key) const;
  // A key may be declared once; a check may name only keys declared before it.
  void add(FieldSpec field);
  void add(StructCheck check);
};

// Adds the key paths of all fields that differ; all of them must be comparable: numbers, words, text, lists of text and structs
// of those.
void compare_structs(const StructSpec& spec, const void* one, const void* other, const std::string& path,
                     std::vector<std::string>& changed);

// Says between which bounds, one of which may be missing, the value must be; behind `invalid`, if there is such a sentence.
struct Bounds {
  std::optional<std::string> minimum;
  std::optional<std::string> maximum;
};
void fail_bounds(const Reader& reader, const Node& node, const Bounds& bounds, std::string_view invalid);
// A plain scalar that begins like a negative number.
bool is_negative(const Node& node);

// Reads the fields into `object`, which has its defaults already. A null node is a map without entries.
void read_struct(const StructSpec& spec, const Reader& reader, const Node& node, void* object);

}  // namespace fiso::config
