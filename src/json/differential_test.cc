// Our scanner against simdjson's parser, on documents made from a grammar and then damaged.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "json/testing/against_simdjson.h"

namespace fiso::json {
namespace {

using fiso::testing::difference_to_simdjson;

// Mostly valid texts with everything the grammar has; the same for the same seed.
class Writer {
 public:
  explicit Writer(uint32_t seed) : random_(seed) {}

  std::string document() {
    text_.clear();
    value(0);
    return text_;
  }

  void damage(std::string& text) {
    static constexpr std::string_view kBytes("{}[]\",:\\ \n\t\0u0e.-tnf\x80\xc3\xff", 23);
    for (unsigned edits = pick(3) + 1; edits > 0 && !text.empty(); --edits) {
      size_t at = pick(static_cast<unsigned>(text.size()));
      switch (pick(3)) {
        case 0: text.erase(at, 1); break;
        case 1: text.insert(at, 1, kBytes[pick(kBytes.size())]); break;
        default: text[at] = kBytes[pick(kBytes.size())];
      }
    }
  }

 private:
  unsigned pick(size_t choices) { return static_cast<unsigned>(random_() % choices); }

  void space() {
    static constexpr std::string_view kSpaces[] = {"", "", "", " ", "\n", "\r\n\t ", "          "};
    text_ += kSpaces[pick(std::size(kSpaces))];
  }

  void value(unsigned depth) {
    space();
    switch (pick(depth < 6 ? 8 : 6)) {
      case 0: text_ += "null"; break;
      case 1: text_ += pick(2) == 0 ? "true" : "false"; break;
      case 2:
      case 3: number(); break;
      case 4:
      case 5: string(); break;
      case 6: array(depth); break;
      default: object(depth);
    }
    space();
  }

  void array(unsigned depth) {
    text_ += '[';
    for (unsigned i = 0, count = pick(5); i < count; ++i) {
      if (i > 0) text_ += ',';
      value(depth + 1);
    }
    if (text_.back() == '[') space();
    text_ += ']';
  }

  void object(unsigned depth) {
    text_ += '{';
    for (unsigned i = 0, count = pick(5); i < count; ++i) {
      if (i > 0) text_ += ',';
      space();
      string();
      space();
      text_ += ':';
      value(depth + 1);
    }
    if (text_.back() == '{') space();
    text_ += '}';
  }

  void number() {
    if (pick(3) == 0) text_ += '-';
    text_ += pick(6) == 0 ? "98765432109876543210" : std::to_string(random_() >> pick(32));
    if (pick(3) == 0) text_ += "." + std::to_string(random_());
    if (pick(3) == 0) text_ += std::string(1, pick(2) == 0 ? 'e' : 'E') + (pick(2) == 0 ? "-" : "+") + std::to_string(pick(500));
  }

  void string() {
    static constexpr std::string_view kPieces[] = {
        "a", "data", "0123456789abcdef", "\\n",     "\\\"",    "\\\\", "\\/",  "é",
        "€", "😀",   "\\ud83d\\ude00",   "\\u00e9", "\\u0000", " ",    "\x7f", "\\ud800"};
    text_ += '"';
    for (unsigned count = pick(6); count > 0; --count) text_ += kPieces[pick(std::size(kPieces) - (pick(20) == 0 ? 0 : 1))];
    text_ += '"';
  }

  std::mt19937 random_;
  std::string text_;
};

TEST(AgainstSimdjson, GeneratedDocumentsAreReadAlike) {
  Writer writer(1);
  for (int i = 0; i < 5000; ++i) {
    std::string text = writer.document();
    ASSERT_TRUE(Document::parse(text).has_value()) << text;
    ASSERT_EQ(difference_to_simdjson(text), "") << text;
  }
}

TEST(AgainstSimdjson, DamagedDocumentsAreReadAlike) {
  Writer writer(2);
  for (int i = 0; i < 20000; ++i) {
    std::string text = writer.document();
    writer.damage(text);
    ASSERT_EQ(difference_to_simdjson(text), "") << text;
  }
}

}  // namespace
}  // namespace fiso::json
