#include "json/text.h"

#include <gtest/gtest.h>

#include "json/scan.h"

namespace fiso::json {
namespace {

std::string in_quotes(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

std::string compacted(std::string_view text) {
  std::string out;
  compact(text, out);
  return out;
}

TEST(Text, OnlyWhatMustBeEscapedIs) {
  EXPECT_EQ(in_quotes(""), R"("")");
  EXPECT_EQ(in_quotes("a/<b>&\x7f"), "\"a/<b>&\x7f\"");
  EXPECT_EQ(in_quotes("\"\\\b\f\n\r\t"), R"("\"\\\b\f\n\r\t")");
  EXPECT_EQ(in_quotes(std::string_view("\0\x1f", 2)), R"("\u0000\u001f")");
  EXPECT_EQ(in_quotes("é€😀"), "\"é€😀\"");
}

TEST(Text, AppendingKeepsWhatWasThere) {
  std::string out = "{";
  append_quoted(out, "a");
  EXPECT_EQ(out, "{\"a\"");
  compact(" 1 ", out);
  EXPECT_EQ(out, "{\"a\"1");
}

TEST(Text, InvalidUtf8BecomesTheReplacementCharacter) {
  EXPECT_EQ(in_quotes("a\xff"
                      "b"),
            "\"a\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(in_quotes("\xe2\x82\n"), "\"\xef\xbf\xbd\xef\xbf\xbd\\n\"");
  EXPECT_EQ(in_quotes("é\xed\xa0\x80"), "\"é\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(in_quotes("\xf0\x9f\x98\x80\xc0\x80"), "\"\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(Text, EveryByteStringBecomesAValidJsonString) {
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second) {
      std::string text = {static_cast<char>(first), static_cast<char>(second), 'x'};
      ASSERT_TRUE(validate(in_quotes(text)).has_value()) << first << " " << second;
      if (first < 0x80 && second < 0x80) ASSERT_EQ(unquote(in_quotes(text)).value(), text);
    }
}

TEST(Text, UnquotingUndoesQuoting) {
  for (std::string_view text : {"", "plain", "\"\\\b\f\n\r\t/", "é€😀", "a long text with a \\ after more than eight bytes"})
    EXPECT_EQ(unquote(in_quotes(text)).value(), text);
}

TEST(Text, UnicodeEscapesAreResolved) {
  EXPECT_EQ(unquote(R"("\u0041\u00e9\u20AC")").value(), "Aé€");
  EXPECT_EQ(unquote(R"("\ud83d\ude00!")").value(), "😀!");
  EXPECT_EQ(unquote(R"("\u0000")").value(), std::string(1, '\0'));
  EXPECT_EQ(unquote(R"("\/")").value(), "/");
}

TEST(Text, LoneSurrogatesBecomeTheReplacementCharacter) {
  EXPECT_EQ(unquote(R"("\ud800")").value(), "\xef\xbf\xbd");
  EXPECT_EQ(unquote(R"("\udc00x")").value(), "\xef\xbf\xbdx");
  EXPECT_EQ(unquote(R"("\ud800\ud83d\ude00")").value(), "\xef\xbf\xbd😀");
  EXPECT_EQ(unquote(R"("\ud800\u0041")").value(),
            "\xef\xbf\xbd"
            "A");
  EXPECT_EQ(unquote(R"("\ud800\n")").value(), "\xef\xbf\xbd\n");
}

TEST(Text, WhatIsNotOneStringIsNotUnquoted) {
  for (std::string_view text : {"", "\"", "a", "\"a", "a\"", "\"a\"b\"", R"("\")", R"("\x")", R"("\u12")", R"("\u12g4")",
                                R"("\ud800\u12")", "\"\n\"", "\"\xff\"", "1", " \"a\""})
    EXPECT_FALSE(unquote(text).has_value()) << text;
}

TEST(Text, CompactingRemovesOnlyInsignificantSpace) {
  EXPECT_EQ(compacted(" { \"a b\" : [ 1.10 , 1E+2 ,\r\n\t\" \\\" \\\\\" , \"\\n\" ] } \n"),
            R"({"a b":[1.10,1E+2," \" \\","\n"]})");
  EXPECT_EQ(compacted("\"é \xe2\x80\xa8\""), "\"é \xe2\x80\xa8\"");
  EXPECT_EQ(compacted(" 12345678901234567890123 "), "12345678901234567890123");
  EXPECT_EQ(compacted(R"({"a":1,"a":2})"), R"({"a":1,"a":2})");
}

TEST(Text, CompactingTextOfAnyLength) {
  for (size_t elements = 0; elements < 200; ++elements) {
    std::string spaced = "[\" \"", tight = spaced;
    for (size_t i = 0; i < elements; ++i) {
      spaced += " ,  1";
      tight += ",1";
    }
    ASSERT_EQ(compacted(spaced + "\n]"), tight + "]");
  }
}

TEST(Text, ALineHasNoLineBreak) {
  EXPECT_TRUE(is_single_line(""));
  EXPECT_TRUE(is_single_line(R"({"a": "\n"})"));
  EXPECT_FALSE(is_single_line("{\n}"));
  EXPECT_FALSE(is_single_line("{}\r"));
}

}  // namespace
}  // namespace fiso::json
