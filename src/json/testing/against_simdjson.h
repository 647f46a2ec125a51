// Compares what we make of a text with what simdjson's parser makes of it: for the differential test and the fuzzer.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

#include "json/scan.h"
#include "json/text.h"

namespace fiso::testing {

inline bool may_hold_a_large_number(std::string_view text) {
  size_t digits = 0;
  for (char c : text) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits >= 19 || c == 'e' || c == 'E') return true;
  }
  return false;
}

// Where simdjson is known to refuse what the grammar allows: numbers beyond its types, surrogates without a partner.
inline bool is_known_limit(simdjson::error_code error, std::string_view text) {
  if (error == simdjson::NUMBER_ERROR) return may_hold_a_large_number(text);
  return error == simdjson::STRING_ERROR && text.find("\\u") != std::string_view::npos;
}

inline std::string difference_in_members(const json::Document& ours, simdjson::dom::object theirs) {
  auto member = ours.members().begin();
  for (auto [key, value] : theirs) {
    if (member == ours.members().end()) return "a member is missing";
    auto name = json::unquote(member->key);
    if (!name.has_value() || *name != key) return "a key differs: " + std::string(member->key);
    simdjson::dom::parser parser;
    simdjson::dom::element slice;
    if (parser.parse(simdjson::padded_string(member->value)).get(slice) != simdjson::SUCCESS) return "a slice is not a value";
    if (simdjson::minify(slice) != simdjson::minify(value)) return "a value differs: " + std::string(member->value);
    ++member;
  }
  return member == ours.members().end() ? "" : "a member too many";
}

// Empty if both agree, else what differs.
inline std::string difference_to_simdjson(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element theirs;
  auto error = parser.parse(simdjson::padded_string(text)).get(theirs);
  auto ours = json::Document::parse(text, json::kHighestMaxDepth);
  bool valid = json::validate(text, json::kHighestMaxDepth).has_value();
  if (valid != ours.has_value()) return "validate() and parse() disagree";
  if (error == simdjson::DEPTH_ERROR || (!ours && ours.error().message() == "nested too deeply")) return "";
  if (error != simdjson::SUCCESS)
    return !valid || is_known_limit(error, text) ? "" : std::string("only simdjson refuses: ") + simdjson::error_message(error);
  if (!valid) return "only we refuse: " + ours.error().describe();

  std::string compacted;
  json::compact(text, compacted);
  if (!json::validate(compacted, json::kHighestMaxDepth).has_value()) return "the compact text is not valid";
  simdjson::dom::object object;
  if (theirs.get(object) == simdjson::SUCCESS) return difference_in_members(*ours, object);
  return ours->is_object() ? "only we see an object" : "";
}

}  // namespace fiso::testing
