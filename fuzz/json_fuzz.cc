// Whatever the bytes: our scanner and simdjson's parser agree, and quoting gives a string that reads back.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "json/scan.h"
#include "json/testing/against_simdjson.h"
#include "json/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fiso::json;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string difference = fiso::testing::difference_to_simdjson(text);
  FISO_CHECK(difference.empty(), difference);

  std::string quoted;
  append_quoted(quoted, text);
  FISO_CHECK(validate(quoted).has_value(), "quoting made an invalid string");
  auto read_back = unquote(quoted);
  FISO_CHECK(read_back.has_value(), "a quoted text cannot be unquoted");
  std::string again;
  append_quoted(again, *read_back);
  FISO_CHECK(again == quoted, "quoting is not stable");

  auto unquoted = unquote(text);
  bool is_string = validate(text).has_value() && !text.empty() && text.front() == '"' && text.back() == '"';
  FISO_CHECK(unquoted.has_value() == is_string, "unquote() and validate() disagree about a string");
  return 0;
}
