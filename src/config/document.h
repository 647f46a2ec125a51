// A YAML document that knows where everything stands in its file.
//
// Document::parse turns text into an immutable tree: the one document of the text (a second is a fault), YAML 1.2, anchors
// and `<<` merges resolved. An alias shares the anchored nodes and is never copied, so its positions are those
// of the anchored text. The text is untrusted: its size, nesting and expansion are capped, and every complaint has a
// place. Node is a handle of two words that keeps the tree alive; it copies freely. Thread-safe, since nothing changes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/errors.h"

namespace fiso::config {

inline constexpr size_t kMaxDocumentBytes = 1 << 20;
inline constexpr size_t kMaxNesting = 64;
// Counted as if every alias were written out, which is what a reader may walk through.
inline constexpr size_t kMaxNodes = 100'000;

// Both 1-based; 0:0 is nowhere. Columns count characters.
struct Position {
  int line = 0;
  int column = 0;
  constexpr auto operator<=>(const Position&) const = default;
};

enum class NodeKind { kNull, kText, kMap, kList };

struct Tree;
struct Entry;

class Node {
 public:
  // Nothing, nowhere.
  Node() = default;
  // Stands for what is absent from `enclosing`: null, at its place.
  static Node nothing_in(const Node& enclosing);

  NodeKind kind() const;
  bool is_null() const { return kind() == NodeKind::kNull; }
  // Where the value begins; a key's own place is that of Entry::key.
  Position position() const;
  const std::string& file() const;

  // A scalar as it was written, without quotes and escapes; "" for all others.
  const std::string& text() const;
  // A scalar that is text whatever it looks like: in quotes, a block, or tagged !!str.
  bool is_quoted() const;
  // A plain scalar that YAML reads as a number or as true or false.
  bool looks_like_number() const;
  bool looks_like_bool() const;

  // Entries of a map, items of a list; 0 for all others.
  size_t size() const;
  // In the order of the file, merged ones last; empty unless a map.
  std::vector<Entry> entries() const;
  // The value of `key`; nullopt if there is none or this is not a map.
  std::optional<Node> find(std::string_view key) const;
  // Empty unless a list.
  std::vector<Node> items() const;

 private:
  friend class Document;
  enum class Presence : uint8_t { kWritten, kAbsent };
  Node(std::shared_ptr<const Tree> tree, uint32_t index, Presence presence)
      : tree_(std::move(tree)), index_(index), presence_(presence) {}

  std::shared_ptr<const Tree> tree_;
  uint32_t index_ = 0;
  Presence presence_ = Presence::kAbsent;
};

struct Entry {
  Node key;
  Node value;
};

// "the number 8081", "the text \"abc\"", "a list", "nothing": what was found where something else was expected.
std::string describe(const Node& node);

class Document {
 public:
  // Nothing if the text is not YAML or over a limit. Faults that leave it readable (duplicate keys, tags, a second document) are
  // reported beside a document that goes without them, so that its other faults are found in the same run.
  static std::optional<Document> parse(std::string_view text, std::string file_name, Errors& errors);

  // Null for an empty document.
  const Node& root() const { return root_; }

 private:
  explicit Document(Node root) : root_(std::move(root)) {}
  Node root_;
};

}  // namespace fiso::config
