// Header sections as HTTP/2 carries them: collected while they are decoded, and laid out to be sent.
//
// RFC 9113 section 8.2. What a section may not hold is refused where the frames are read; here are the limits on what it holds.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/header_list.h"

namespace fiso::net {

// Fills `into` with the fields of one section, as long as they are within the limits: what is beyond is dropped as it is decoded.
// Crumbs of a cookie become one field again. `into` is borrowed.
class FieldCollector {
 public:
  FieldCollector(HeaderList& into, size_t most_bytes, size_t most_fields)
      : into_(into), left_(most_bytes), fields_left_(most_fields) {}

  // Counts a field that goes elsewhere; false beyond the limits.
  bool spend(std::string_view name, std::string_view value);
  void add(std::string_view name, std::string_view value);
  void end();
  bool too_large() const { return too_large_; }

 private:
  HeaderList& into_;
  size_t left_, fields_left_;
  std::string cookie_;
  bool too_large_ = false;
};

// Names and values are borrowed until the block has been submitted, which copies them.
class FieldBlock {
 public:
  void add(std::string_view name, std::string_view value);
  // All but those that end at a connection, and those that are the connection's to say (Host, Content-Length).
  void add_all(const HeaderList& fields);
  void add_trailers(const HeaderList& fields);
  // Two values that must live until the block has been submitted.
  void add_status(int status);
  void add_length(uint64_t length);

  const nghttp2_nv* data() const { return fields_.data(); }
  size_t size() const { return fields_.size(); }

 private:
  std::vector<nghttp2_nv> fields_;
  std::string status_, length_;
};

// What a Content-Length says.
std::optional<uint64_t> parse_length(std::string_view text);

}  // namespace fiso::net
