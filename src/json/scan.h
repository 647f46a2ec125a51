// JSON as slices: checks a text against RFC 8259 and shows where its outermost members are, byte for byte as they came.
//
// Nothing is converted, so numbers of any size, duplicate keys and escapes pass untouched; whoever needs a value reads its
// slice (json/text.h). Stricter than the RFC in two points: the text must be valid UTF-8 and no deeper than a limit. Escaped
// surrogates without a partner are accepted, as the RFC's grammar does.
//
// Errors are kInvalidInput; the message is short and safe to show, the byte offset is in the context.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fiso::json {

inline constexpr unsigned kDefaultMaxDepth = 1000;
// The largest limit that may be asked for.
inline constexpr unsigned kHighestMaxDepth = 1024;

enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };

// What kind of value begins with this character; the text must be known to be valid.
Kind kind_of(std::string_view valid_json);

// The elements of an array, without the white space around them; the text must be known to be valid.
std::vector<std::string_view> elements(std::string_view valid_array);

// One value with white space around it and nothing else; `max_depth` counts arrays and objects inside each other.
Result<> validate(std::string_view text, unsigned max_depth = kDefaultMaxDepth);

// `key` is the name as it stands in the text, quotes and escapes included; `value` has no white space around it.
struct Member {
  std::string_view key;
  std::string_view value;
};

// One text and its outermost members. The text is borrowed and must outlive whatever is read from here. Shard-local.
class Document {
 public:
  static Result<Document> parse(std::string_view text, unsigned max_depth = kDefaultMaxDepth);

  // Replaces the contents and keeps the memory, so that an object read after another allocates nothing. After an error
  // the document is an empty one of kind null.
  Result<> read(std::string_view text, unsigned max_depth = kDefaultMaxDepth);

  Kind kind() const { return kind_; }
  bool is_object() const { return kind_ == Kind::kObject; }
  // The value without the white space around it.
  std::string_view value() const { return value_; }
  // In order, duplicates included; none unless the value is an object.
  std::span<const Member> members() const { return members_; }

  // The value of the last member of that name; escapes in keys are resolved before comparing.
  std::optional<std::string_view> find(std::string_view name) const;
  // The same without regard to the case of ASCII letters.
  std::optional<std::string_view> find_ignoring_case(std::string_view name) const;

 private:
  Kind kind_ = Kind::kNull;
  std::string_view value_;
  std::vector<Member> members_;
};

}  // namespace fiso::json
