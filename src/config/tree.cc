#include "config/tree.h"

#include <fmt/format.h>

#include <algorithm>

namespace fiso::config {
namespace {

constexpr std::string_view kStandardTags = "tag:yaml.org,2002:";

bool is_null_word(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

}  // namespace

TreeBuilder::TreeBuilder(std::string file, Errors& errors) : errors_(errors), tree_(std::make_shared<Tree>()) {
  tree_->file = std::move(file);
  tree_->nodes.push_back(TreeNode{.position = {1, 1}});  // the root of a document without content
  root_ = 0;
}

bool TreeBuilder::fail(Position position, std::string message) {
  errors_.add({tree_->file, position.line, position.column, "", std::move(message)});
  return false;
}

uint32_t TreeBuilder::make_node(NodeKind kind, const Properties& properties) {
  auto index = static_cast<uint32_t>(tree_->nodes.size());
  size_t height = kind == NodeKind::kMap || kind == NodeKind::kList ? 1 : 0;
  tree_->nodes.push_back(TreeNode{.kind = kind, .position = properties.position, .height = height});
  // A node is known by its anchor from its start on, so that an alias inside it is seen as the loop it is.
  if (!properties.anchor.empty()) anchors_[std::string(properties.anchor)] = index;
  check_tag(properties, kind);
  return index;
}

// A tag that says what the value is anyway has no effect; any other would be ignored, which nobody should have to find out.
void TreeBuilder::check_tag(const Properties& properties, NodeKind kind) {
  std::string_view tag = properties.tag;
  if (tag.empty() || tag == "!") return;
  if (tag.starts_with(kStandardTags)) {
    std::string_view name = tag.substr(kStandardTags.size());
    if (name == "str" && kind == NodeKind::kText) return;
    if (name == "map" && kind == NodeKind::kMap) return;
    if (name == "seq" && kind == NodeKind::kList) return;
  }
  fail(properties.position, fmt::format("the tag {} is not supported", quote(tag)));
}

bool TreeBuilder::expects_key() const {
  return !open_.empty() && tree_->nodes[open_.back()].kind == NodeKind::kMap &&
         tree_->nodes[open_.back()].children.size() % 2 == 0;
}

// Puts a finished or still empty node into the innermost open one.
bool TreeBuilder::attach(uint32_t index, Position position) {
  const TreeNode& node = tree_->nodes[index];
  total_weight_ += node.weight;
  if (total_weight_ > kMaxNodes)
    return fail(position, fmt::format("the document has more than {} values once its aliases are expanded", kMaxNodes));
  if (open_.size() + node.height > kMaxNesting) return fail(position, fmt::format("nested deeper than {} levels", kMaxNesting));
  if (open_.empty()) {
    root_ = index;
    return true;
  }
  if (expects_key() && node.kind != NodeKind::kText) return fail(position, "a key must be text");
  tree_->nodes[open_.back()].children.push_back(index);
  return true;
}

bool TreeBuilder::scalar(const Properties& properties, std::string_view text) {
  // An escape in quotes can make one; to the system, where most values end up, it would be the end of the text.
  if (text.find('\0') != std::string_view::npos) fail(properties.position, "a text cannot hold the character NUL");
  bool quoted = properties.quoted || properties.tag == "!" || properties.tag == std::string(kStandardTags) + "str";
  uint32_t index = make_node(!quoted && is_null_word(text) ? NodeKind::kNull : NodeKind::kText, properties);
  TreeNode& node = tree_->nodes[index];
  node.quoted = quoted;
  if (node.kind == NodeKind::kText) node.text = text;
  return attach(index, properties.position);
}

bool TreeBuilder::open(const Properties& properties, NodeKind kind) {
  uint32_t index = make_node(kind, properties);
  if (!attach(index, properties.position)) return false;
  open_.push_back(index);
  return true;
}

bool TreeBuilder::close() {
  uint32_t index = open_.back();
  open_.pop_back();
  if (tree_->nodes[index].kind == NodeKind::kMap) finish_map(index);
  TreeNode& node = tree_->nodes[index];
  for (uint32_t child : node.children) {
    node.weight += tree_->nodes[child].weight;
    node.height = std::max(node.height, tree_->nodes[child].height + 1);
  }
  return true;
}

bool TreeBuilder::alias(Position position, std::string_view name) {
  auto found = anchors_.find(std::string(name));
  if (found == anchors_.end()) return fail(position, fmt::format("the alias {} has no anchor before it", quote(name)));
  if (std::find(open_.begin(), open_.end(), found->second) != open_.end())
    return fail(position, fmt::format("the alias {} contains itself", quote(name)));
  return attach(found->second, position);
}

// Refuses duplicate keys and replaces `<<` by what it names: own entries win, then earlier merges.
void TreeBuilder::finish_map(uint32_t index) {
  const std::vector<uint32_t> written = std::move(tree_->nodes[index].children);
  std::unordered_map<std::string_view, uint32_t> first;
  std::vector<uint32_t> kept, merged;
  for (size_t i = 0; i + 1 < written.size(); i += 2) {
    const TreeNode& key = tree_->nodes[written[i]];
    if (key.text == "<<" && !key.quoted) {
      merge(written[i + 1], merged);
    } else if (auto [other, is_new] = first.emplace(key.text, written[i]); is_new) {
      kept.insert(kept.end(), {written[i], written[i + 1]});
    } else {
      Position before = tree_->nodes[other->second].position;
      fail(key.position, fmt::format("duplicate key {}, first at {}:{}", quote(key.text), before.line, before.column));
    }
  }
  for (size_t i = 0; i < merged.size(); i += 2)
    if (first.emplace(tree_->nodes[merged[i]].text, merged[i]).second) kept.insert(kept.end(), {merged[i], merged[i + 1]});
  tree_->nodes[index].children = std::move(kept);
}

// Appends the entries that `value`, a map or a list of maps, brings along.
void TreeBuilder::merge(uint32_t value, std::vector<uint32_t>& merged) {
  const TreeNode& node = tree_->nodes[value];
  if (node.kind == NodeKind::kMap) {
    merged.insert(merged.end(), node.children.begin(), node.children.end());
    return;
  }
  bool maps = node.kind == NodeKind::kList && std::all_of(node.children.begin(), node.children.end(), [&](uint32_t child) {
                return tree_->nodes[child].kind == NodeKind::kMap;
              });
  if (!maps) {
    fail(node.position, "<< merges a map or a list of maps");
    return;
  }
  for (uint32_t child : node.children) merge(child, merged);
}

std::shared_ptr<const Tree> TreeBuilder::finish(uint32_t& root) {
  root = root_;
  return std::move(tree_);
}

}  // namespace fiso::config
