// Whatever the bytes: a configuration text is refused or becomes a tree within its limits, and every complaint has a place.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "config/document.h"

namespace {

using fiso::config::Node;

// Walks what a reader may walk, aliases written out; gives the number of nodes.
size_t count_nodes(const Node& node, size_t depth) {
  FISO_CHECK(depth <= fiso::config::kMaxNesting, "deeper than the limit");
  FISO_CHECK(node.position().line > 0 && node.position().column > 0, "a node without a place");
  size_t count = 1;
  for (const fiso::config::Entry& entry : node.entries()) {
    FISO_CHECK(node.find(entry.key.text()).has_value(), "a key that cannot be found");
    count += 1 + count_nodes(entry.value, depth + 1);
  }
  for (const Node& item : node.items()) count += count_nodes(item, depth + 1);
  FISO_CHECK(!fiso::config::describe(node).empty());
  return count;
}

}  // namespace

// libfyaml 0.7.12 leaks a buffer of its own for a single-quoted scalar with many quotes in a row.
extern "C" const char* __lsan_default_suppressions() { return "leak:libfyaml.so"; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fiso::config::Errors errors;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto document = fiso::config::Document::parse(text, "fuzz.yaml", errors);
  FISO_CHECK(document.has_value() || !errors.empty(), "refused without a reason");
  if (document) FISO_CHECK(count_nodes(document->root(), 0) <= 2 * fiso::config::kMaxNodes, "larger than the limit");
  (void)errors.render();
  return 0;
}
