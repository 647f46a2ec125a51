#include "net/http2_fields.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "net/hop_fields.h"
#include "net/wire.h"

namespace fiso::net {
namespace {

constexpr size_t kFieldOverhead = 32;  // RFC 9113 section 6.5.2: what a field weighs beyond its text

// As text that nghttp2 copies; it writes names in lower case.
uint8_t* bytes_of(std::string_view text) { return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data())); }

bool is_own_field(std::string_view name) { return iequals(name, "host") || iequals(name, "content-length"); }

// A compressed secret could be guessed byte by byte.
bool is_secret(std::string_view name) { return iequals(name, "authorization"); }

}  // namespace

bool FieldCollector::spend(std::string_view name, std::string_view value) {
  size_t size = name.size() + value.size() + kFieldOverhead;
  if (too_large_ || size > left_ || fields_left_ == 0) {
    too_large_ = true;
    return false;
  }
  left_ -= size;
  --fields_left_;
  return true;
}

void FieldCollector::add(std::string_view name, std::string_view value) {
  if (!spend(name, value)) return;
  if (name != "cookie") return into_.add(name, value);
  if (!cookie_.empty()) cookie_.append("; ");
  cookie_.append(value);
}

void FieldCollector::end() {
  if (!cookie_.empty()) into_.add("cookie", cookie_);
  cookie_.clear();
}

void FieldBlock::add(std::string_view name, std::string_view value) {
  uint8_t flags = is_secret(name) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
  fields_.push_back({bytes_of(name), bytes_of(value), name.size(), value.size(), flags});
}

void FieldBlock::add_all(const HeaderList& fields) {
  for (HeaderList::Field field : fields) {
    bool trailer = iequals(field.name, "trailer");  // says what follows the body, which is passed on too
    if ((is_hop_field(field.name) && !trailer) || is_own_field(field.name)) continue;
    if (is_field_name(field.name) && is_field_value(field.value)) add(field.name, field.value);
  }
}

void FieldBlock::add_trailers(const HeaderList& fields) {
  for (HeaderList::Field field : fields)
    if (is_field_name(field.name) && is_trailer_field(field.name) && is_field_value(field.value)) add(field.name, field.value);
}

void FieldBlock::add_status(int status) {
  append_number(status_, static_cast<uint64_t>(std::clamp(status, 100, 999)));
  add(":status", status_);
}

void FieldBlock::add_length(uint64_t length) {
  append_number(length_, length);
  add("content-length", length_);
}

std::optional<uint64_t> parse_length(std::string_view text) {
  uint64_t length = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return length;
}

}  // namespace fiso::net
