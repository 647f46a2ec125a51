#include "base/header_list.h"

#include <utility>

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
  std::string own_name(name), own_value(value);  // either may be a view into this list
  remove(own_name);
  add(own_name, own_value);
}

void HeaderList::remove(std::string_view name) {
  if (!contains(name)) return;
  HeaderList kept;
  for (Field field : *this)
    if (!iequals(field.name, name)) kept.add(field.name, field.value);
  *this = std::move(kept);
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
