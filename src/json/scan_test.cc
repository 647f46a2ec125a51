#include "json/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fiso::json {
namespace {

using ::testing::HasSubstr;

// Names as in the RFC's own words: `y` must be accepted, `n` must be refused.
struct Case {
  const char* name;
  std::string_view text;
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

constexpr Case kAccepted[] = {
    {"empty_array", "[]"},
    {"empty_array_with_space", " [ \t\r\n] "},
    {"empty_object", "{}"},
    {"empty_key", R"({"":0})"},
    {"lonely_null", "null"},
    {"lonely_true", "true"},
    {"lonely_false", "false"},
    {"lonely_string", R"("x")"},
    {"lonely_number", "42"},
    {"zero", "0"},
    {"minus_zero", "-0"},
    {"fraction", "-0.5"},
    {"exponent", "1E+2"},
    {"exponent_of_zero", "0e1"},
    {"negative_exponent", "123.456e-789"},
    {"integer_beyond_64_bits", "-123456789012345678901234567890123456789012345678901234567890"},
    {"huge_exponent", "1e400"},
    {"escapes", R"("\"\\\/\b\f\n\r\t")"},
    {"unicode_escape", R"("\u00e9\uABCD")"},
    {"surrogate_pair", R"("\ud83d\ude00")"},
    {"lone_high_surrogate", R"("\ud800")"},
    {"lone_low_surrogate", R"("\udc00x")"},
    {"escaped_nul", R"("\u0000")"},
    {"two_byte_character", "\"\xc3\xa9\""},
    {"four_byte_character", "\"\xf0\x9f\x98\x80\""},
    {"delete_character", "\"\x7f\""},
    {"line_separator", "\"\xe2\x80\xa8\""},
    {"duplicate_keys", R"({"a":1,"a":2})"},
    {"nested", R"({"a":[{"b":[[],{},{"c":null}]},1,"2",true]})"},
    {"long_string", R"("0123456789012345678901234567890123456789")"},
    {"space_everywhere", " { \"a\" : [ 1 , 2 ] , \"b\" : { } } "},
};

constexpr Case kRefused[] = {
    {"empty", ""},
    {"only_space", " \n"},
    {"byte_order_mark", "\xef\xbb\xbf{}"},
    {"nul_byte", std::string_view("\0", 1)},
    {"trailing_nul", std::string_view("{}\0", 3)},
    {"two_values", "1 2"},
    {"trailing_bracket", "[]]"},
    {"trailing_comma_in_array", "[1,]"},
    {"trailing_comma_in_object", R"({"a":1,})"},
    {"missing_value", R"({"a":})"},
    {"missing_colon", R"({"a" 1})"},
    {"missing_comma", "[1 2]"},
    {"double_comma", "[1,,2]"},
    {"leading_comma", "[,1]"},
    {"colon_in_array", "[1:2]"},
    {"unquoted_key", "{a:1}"},
    {"single_quotes", "{'a':1}"},
    {"number_as_key", "{1:1}"},
    {"key_without_value", R"({"a"})"},
    {"closed_by_the_wrong_bracket", "[1}"},
    {"object_closed_by_the_wrong_bracket", R"({"a":1])"},
    {"open_array", "[1"},
    {"open_object", R"({"a":1)"},
    {"open_string", R"("abc)"},
    {"open_escape", R"("abc\)"},
    {"leading_zero", "01"},
    {"minus_alone", "-"},
    {"plus", "+1"},
    {"point_first", ".5"},
    {"point_last", "1."},
    {"exponent_without_digits", "1e"},
    {"exponent_with_a_sign_only", "1e+"},
    {"hexadecimal", "0x1"},
    {"nan", "NaN"},
    {"infinity", "Infinity"},
    {"minus_infinity", "-Infinity"},
    {"upper_case_literal", "True"},
    {"cut_literal", "nul"},
    {"long_literal", "nulll"},
    {"unknown_escape", R"("\x41")"},
    {"short_unicode_escape", R"("\u12")"},
    {"bad_unicode_escape", R"("\u12G4")"},
    {"newline_in_a_string", "\"a\nb\""},
    {"tab_in_a_string", "\"a\tb\""},
    {"tab_after_eight_bytes", "\"12345678\t\""},
    {"nul_in_a_string", std::string_view("\"a\0b\"", 5)},
    {"comment", "/* */ 1"},
    {"line_comment", "1 // one"},
    {"form_feed_as_space", "[\f]"},
    {"no_break_space", "\xc2\xa0[]"},
    {"continuation_byte_alone", "\"\x80\""},
    {"cut_character", "\"\xe2\x82\""},
    {"overlong_character", "\"\xc0\xaf\""},
    {"encoded_surrogate", "\"\xed\xa0\x80\""},
    {"beyond_unicode", "\"\xf4\x90\x80\x80\""},
};

class Accepted : public ::testing::TestWithParam<Case> {};
class Refused : public ::testing::TestWithParam<Case> {};

TEST_P(Accepted, ByTheValidatorAndByTheDocument) {
  EXPECT_TRUE(validate(GetParam().text).has_value()) << validate(GetParam().text).error().describe();
  EXPECT_TRUE(Document::parse(GetParam().text).has_value());
}

TEST_P(Refused, ByTheValidatorAndByTheDocument) {
  EXPECT_FALSE(validate(GetParam().text).has_value());
  EXPECT_FALSE(Document::parse(GetParam().text).has_value());
  std::string inside = "{\"a\":" + std::string(GetParam().text) + "}";
  EXPECT_FALSE(validate(inside).has_value());
  EXPECT_FALSE(Document::parse(inside).has_value());
}

auto case_name = [](const auto& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Y, Accepted, ::testing::ValuesIn(kAccepted), case_name);
INSTANTIATE_TEST_SUITE_P(N, Refused, ::testing::ValuesIn(kRefused), case_name);

TEST(Scan, EveryCutOfADocumentEndsUnexpectedly) {
  std::string text = R"({"a":[1.5e3,"\u00e9\n",true,{"b":null}],"c":"d"})";
  for (size_t length = 0; length < text.size(); ++length) {
    auto result = Document::parse(text.substr(0, length));
    ASSERT_FALSE(result.has_value()) << length;
    EXPECT_EQ(result.error().message(), "unexpected end of JSON input") << length;
    EXPECT_EQ(result.error().code(), ErrorCode::kInvalidInput);
  }
}

TEST(Scan, MessagesSayWhatStandsWhere) {
  struct {
    std::string_view text, message;
  } cases[] = {
      {"nope", "invalid character 'o' in literal null (expecting 'u')"},
      {"{]", "invalid character ']' looking for beginning of object key string"},
      {R"({"a"=1})", "invalid character '=' after object key"},
      {R"({"a":1;)", "invalid character ';' after object key:value pair"},
      {"[1;", "invalid character ';' after array element"},
      {"1 x", "invalid character 'x' after top-level value"},
      {"<html>", "invalid character '<' looking for beginning of value"},
      {"\"a\nb\"", "invalid character '\\n' in string literal"},
      {"\"\\'\"", "invalid character '\\'' in string escape code"},
      {"\x01", "invalid character '\\x01' looking for beginning of value"},
      {"\xff", "invalid character '\\xff' looking for beginning of value"},
      {R"("\u12x4")", "invalid character 'x' in \\u hexadecimal character escape"},
      {"-x", "invalid character 'x' in numeric literal"},
      {"1.x", "invalid character 'x' after decimal point in numeric literal"},
      {"1ex", "invalid character 'x' in exponent of numeric literal"},
      {"\"\x80\"", "invalid UTF-8"},
  };
  for (const auto& c : cases) EXPECT_EQ(validate(c.text).error().message(), c.message) << c.text;
}

TEST(Scan, TheContextHasTheOffset) {
  EXPECT_THAT(validate(R"({"a": x})").error().describe(), HasSubstr("byte 6:"));
  EXPECT_THAT(validate("[\"\xc3\xa9\",\"\xc3\"]").error().describe(), HasSubstr("byte 7:"));
}

std::string nested(size_t depth, std::string_view open, std::string_view inner, std::string_view close) {
  std::string text;
  for (size_t i = 0; i < depth; ++i) text += open;
  text += inner;
  for (size_t i = 0; i < depth; ++i) text += close;
  return text;
}

TEST(Scan, DepthIsLimitedAndTheLimitIsInclusive) {
  for (auto [open, close] : {std::pair{"[", "]"}, {R"({"a":)", "}"}, {R"([1,)", "]"}}) {
    for (unsigned limit : {1u, kDefaultMaxDepth, 65u, kHighestMaxDepth}) {
      std::string deepest = nested(limit, open, "1", close);
      EXPECT_TRUE(validate(deepest, limit).has_value()) << open << limit;
      EXPECT_TRUE(Document::parse(deepest, limit).has_value()) << open << limit;
      for (std::string_view inner : {"[]", "{}"}) {
        std::string too_deep = nested(limit, open, inner, close);
        EXPECT_EQ(validate(too_deep, limit).error().message(), "nested too deeply") << open << limit;
        EXPECT_EQ(Document::parse(too_deep, limit).error().message(), "nested too deeply") << open << limit;
      }
    }
    EXPECT_FALSE(validate(nested(1'000'000, open, "1", close)).has_value());
  }
}

TEST(Scan, BracketsAreMatchedAtEveryDepth) {
  // Kinds that alternate with a period that divides no power of two.
  for (size_t depth = 1; depth <= 200; ++depth) {
    std::string text, closing;
    for (size_t i = 0; i < depth; ++i) {
      text += i % 3 == 0 ? R"({"a":)" : "[";
      closing.insert(0, i % 3 == 0 ? "}" : "]");
    }
    text += "1";
    EXPECT_TRUE(validate(text + closing, 200).has_value()) << depth;
    for (size_t i = 0; i < depth; ++i) {
      std::string wrong = closing;
      wrong[i] = wrong[i] == '}' ? ']' : '}';
      ASSERT_FALSE(validate(text + wrong, 200).has_value()) << depth << " " << i;
    }
  }
}

TEST(Scan, WithoutDepthOnlyScalarsPass) {
  EXPECT_TRUE(validate("1", 0).has_value());
  EXPECT_FALSE(validate("[]", 0).has_value());
  EXPECT_FALSE(Document::parse("{}", 0).has_value());
}

TEST(Document, MembersAreSlicesOfTheTextInOrder) {
  std::string_view text = R"( { "id" : 12345678901234567890123 , "a\u0062" : [ 1 , 2 ] , "id" : "x" , "n": 1.10 } )";
  auto document = Document::parse(text).value();
  std::vector<std::pair<std::string_view, std::string_view>> members;
  for (const Member& member : document.members()) {
    members.emplace_back(member.key, member.value);
    EXPECT_GE(member.key.data(), text.data());
    EXPECT_LE(member.value.data() + member.value.size(), text.data() + text.size());
  }
  EXPECT_THAT(members,
              ::testing::ElementsAre(std::pair(R"("id")", "12345678901234567890123"), std::pair(R"("a\u0062")", "[ 1 , 2 ]"),
                                     std::pair(R"("id")", R"("x")"), std::pair(R"("n")", "1.10")));
  EXPECT_EQ(document.value(), text.substr(1, text.size() - 2));
}

TEST(Document, TheLastDuplicateWins) {
  auto document = Document::parse(R"({"a":1,"b":2,"a":3,"A":4})").value();
  EXPECT_EQ(document.find("a"), "3");
  EXPECT_EQ(document.find_ignoring_case("a"), "4");
  EXPECT_EQ(document.find("B"), std::nullopt);
  EXPECT_EQ(document.find_ignoring_case("B"), "2");
}

TEST(Document, EscapedKeysAreFoundByWhatTheyMean) {
  auto document = Document::parse(R"({"d\u0061ta":1,"\u0044ATA":2,"a\"b":3})").value();
  EXPECT_EQ(document.find("data"), "1");
  EXPECT_EQ(document.find_ignoring_case("data"), "2");
  EXPECT_EQ(document.find("a\"b"), "3");
  EXPECT_EQ(document.find(R"(d\u0061ta)"), std::nullopt);
}

TEST(Document, KnowsItsKind) {
  EXPECT_EQ(Document::parse(" null ")->kind(), Kind::kNull);
  EXPECT_EQ(Document::parse("false")->kind(), Kind::kBool);
  EXPECT_EQ(Document::parse("-1")->kind(), Kind::kNumber);
  EXPECT_EQ(Document::parse("\"\"")->kind(), Kind::kString);
  EXPECT_EQ(Document::parse("[{}]")->kind(), Kind::kArray);
  EXPECT_EQ(Document::parse("\n{}")->kind(), Kind::kObject);
  EXPECT_TRUE(Document::parse("[{\"a\":1}]")->members().empty());
  EXPECT_EQ(Document::parse(" 42 ")->value(), "42");
}

TEST(Document, IsEmptyAfterAnError) {
  Document document;
  ASSERT_TRUE(document.read(R"({"a":1})").has_value());
  ASSERT_FALSE(document.read(R"({"b":1} x)").has_value());
  EXPECT_EQ(document.kind(), Kind::kNull);
  EXPECT_EQ(document.value(), "");
  EXPECT_EQ(document.find("b"), std::nullopt);
}

TEST(Document, ReadsOneTextAfterAnother) {
  Document document;
  ASSERT_TRUE(document.read(R"({"a":1,"b":2})").has_value());
  ASSERT_TRUE(document.read(R"({"c":3})").has_value());
  EXPECT_EQ(document.members().size(), 1u);
  EXPECT_EQ(document.find("c"), "3");
}

}  // namespace
}  // namespace fiso::json
