#include "base/header_list.h"

#include <cstring>
#include <functional>

#include "base/ascii.h"
#include "base/check.h"

namespace fiso {

void HeaderList::add(std::string_view name, std::string_view value) {
  FISO_CHECK(text_.size() + name.size() + value.size() <= UINT32_MAX);
  index_.push_back(
      {static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(name.size()), static_cast<uint32_t>(value.size())});
  text_.append(name);
  text_.append(value);
}

void HeaderList::set(std::string_view name, std::string_view value) {
  if (is_within(name) || is_within(value)) return set(std::string(name), std::string(value));
  remove(name);
  add(name, value);
}

void HeaderList::remove(std::string_view name) {
  if (is_within(name)) return remove(std::string(name));
  uint32_t gone = 0;
  size_t kept = 0;
  for (Entry entry : index_) {
    char* text = text_.data() + entry.begin;
    uint32_t length = entry.name + entry.value;
    if (iequals({text, entry.name}, name)) {
      gone += length;
      continue;
    }
    if (gone > 0) std::memmove(text - gone, text, length);
    entry.begin -= gone;
    index_[kept++] = entry;
  }
  index_.resize(kept);
  text_.resize(text_.size() - gone);
}

// What changes when the list does.
bool HeaderList::is_within(std::string_view text) const {
  std::less<const char*> before;
  return !text.empty() && !before(text.data(), text_.data()) && before(text.data(), text_.data() + text_.size());
}

void HeaderList::clear() {
  text_.clear();
  index_.clear();
}

std::optional<std::string_view> HeaderList::find(std::string_view name) const {
  // Each request is asked for a dozen names that it has not: most fields differ by the length of theirs.
  for (const Entry& entry : index_) {
    if (entry.name != name.size()) continue;
    const char* text = text_.data() + entry.begin;
    if (iequals({text, entry.name}, name)) return std::string_view(text + entry.name, entry.value);
  }
  return std::nullopt;
}

}  // namespace fiso
