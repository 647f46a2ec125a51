// An ordered list of header fields in one buffer: what HTTP calls a header section, Kafka record headers, gRPC metadata.
//
// Names compare without regard to case and may repeat. One allocation for the text and one for the index however many
// fields there are. Views returned are valid until the list is changed. Value type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fiso {

class HeaderList {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  void add(std::string_view name, std::string_view value);
  // Replaces every field of that name by one.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  // Keeps the memory.
  void clear();

  // The first value of that name.
  std::optional<std::string_view> find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name).has_value(); }

  size_t size() const { return index_.size(); }
  bool empty() const { return index_.empty(); }
  // Bytes of all names and values.
  size_t bytes() const { return text_.size(); }
  Field operator[](size_t i) const {
    const Entry& entry = index_[i];
    return {std::string_view(text_).substr(entry.begin, entry.name),
            std::string_view(text_).substr(entry.begin + entry.name, entry.value)};
  }

  class Iterator {
   public:
    Iterator(const HeaderList* list, size_t at) : list_(list), at_(at) {}
    Field operator*() const { return (*list_)[at_]; }
    Iterator& operator++() { return ++at_, *this; }
    bool operator==(const Iterator&) const = default;

   private:
    const HeaderList* list_;
    size_t at_;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

 private:
  struct Entry {
    uint32_t begin, name, value;  // offset of the name in text_; lengths; the value follows the name
  };
  bool is_within(std::string_view text) const;

  std::string text_;
  std::vector<Entry> index_;
};

}  // namespace fiso
