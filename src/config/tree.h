// The nodes behind config::Node, and their construction from a stream of YAML events.
//
// TreeBuilder knows the rules of YAML that are above syntax: anchors, merges, duplicate keys, what a key may be, and the
// limits of nesting and expansion. It knows no YAML library. Internal to fiso_config.
#pragma once

#include <unordered_map>

#include "config/document.h"

namespace fiso::config {

struct TreeNode {
  NodeKind kind = NodeKind::kNull;
  bool quoted = false;
  Position position;
  std::string text;
  std::vector<uint32_t> children;  // a list's items; a map's keys and values in turn
  size_t weight = 1;               // nodes in here with aliases written out
  size_t height = 0;               // maps and lists within each other in here
};

struct Tree {
  std::string file;
  std::vector<TreeNode> nodes;
};

class TreeBuilder {
 public:
  // What a YAML node may carry before its content.
  struct Properties {
    Position position;
    std::string_view anchor;
    std::string_view tag;
    bool quoted = false;  // a scalar that is not plain
  };

  TreeBuilder(std::string file, Errors& errors);

  // Each is false after a fault that leaves nothing to read on; it has been reported.
  [[nodiscard]] bool scalar(const Properties& properties, std::string_view text);
  [[nodiscard]] bool open(const Properties& properties, NodeKind kind);
  [[nodiscard]] bool close();
  [[nodiscard]] bool alias(Position position, std::string_view name);

  // The tree and its root.
  std::shared_ptr<const Tree> finish(uint32_t& root);

 private:
  uint32_t make_node(NodeKind kind, const Properties& properties);
  bool attach(uint32_t index, Position position);
  bool expects_key() const;
  void check_tag(const Properties& properties, NodeKind kind);
  void finish_map(uint32_t index);
  void merge(uint32_t value, std::vector<uint32_t>& merged);
  bool fail(Position position, std::string message);

  Errors& errors_;
  std::shared_ptr<Tree> tree_;
  std::vector<uint32_t> open_;
  std::unordered_map<std::string, uint32_t> anchors_;
  uint32_t root_;
  size_t total_weight_ = 0;
};

}  // namespace fiso::config
