#include "program/json_difference.h"

#include <gmock/gmock.h>

namespace fiso::program {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(JsonDifferences, ThereAreNoneWhereTheSameIsSaid) {
  const char* pairs[][2] = {{"{\"a\":1,\"b\":2}", " { \"b\" : 2 , \"a\" : 1 }\n"},
                            {"\"\\u00e4/\"", "\"\xc3\xa4\\/\""},
                            {"[1,[true,null]]", "[1, [true, null]]"},
                            {"{\"a\":1,\"a\":2}", "{\"a\":2}"},
                            {"{\"\\u0061\":1}", "{\"a\":1}"},
                            {"{}", "{ }"},
                            {"[]", "[ ]"}};
  for (auto& [expected, actual] : pairs) EXPECT_THAT(json_differences(expected, actual), IsEmpty()) << expected;
}

TEST(JsonDifferences, SayWhereAndWhat) {
  EXPECT_THAT(json_differences(R"({"payload":{"total":75,"items":[{"id":1},{"id":2}]}})",
                               R"({"payload":{"total":74,"items":[{"id":1},{"id":"2"}]}})"),
              ElementsAre("payload.items[1].id: expected 2, got \"2\"", "payload.total: expected 75, got 74"));
  EXPECT_THAT(json_differences("1", "[1]"), ElementsAre("the answer: expected 1, got [1]"));
  EXPECT_THAT(json_differences(R"({"a b":true})", R"({"a b":false})"), ElementsAre("[\"a b\"]: expected true, got false"));
}

TEST(JsonDifferences, TellOfWhatIsMissingAndOfWhatIsTooMuch) {
  EXPECT_THAT(json_differences(R"({"a":{"x":1},"b":1})", R"({"b":1,"c": [ 1 ]})"),
              ElementsAre("a: expected {\"x\":1}, is missing", "c: not expected, got [1]"));
  EXPECT_THAT(json_differences("[1,2,3]", "[1,3]"),
              ElementsAre("[1]: expected 2, got 3", "the answer: expected 3 elements, got 2"));
}

TEST(JsonDifferences, AreNotMoreThanAskedForAndNotLong) {
  EXPECT_THAT(json_differences("[1,2,3,4,5]", "[0,0,0,0,0]", 2), SizeIs(2));
  std::string umlauts = "\"";
  for (int i = 0; i < 100; ++i) umlauts += "\xc3\xa4";
  auto found = json_differences("0", umlauts + "\"");
  EXPECT_EQ(found.front(), "the answer: expected 0, got " + umlauts.substr(0, 79) + "…");
}

TEST(JsonDifferences, OfNumbersAreThoseOfTheirValues) {
  const char* same[][2] = {{"75", "75.0"},  {"75", "7.5e1"}, {"75", "750E-1"}, {"0", "-0.0"}, {"0", "0e999999999999999999999"},
                           {"0.10", "0.1"}, {"1e2", "100"},  {"1e+2", "100"},  {"-5", "-5.0"}};
  for (auto& [a, b] : same) EXPECT_TRUE(is_same_number(a, b)) << a << " " << b;
  const char* different[][2] = {{"75", "74"},    {"5", "-5"},    {"9007199254740993", "9007199254740992"}, {"1", "10"},
                                {"0.1", "0.01"}, {"1e2", "1e3"}, {"1e99999999999999999999", "1"}};
  for (auto& [a, b] : different) EXPECT_FALSE(is_same_number(a, b)) << a << " " << b;
}

TEST(JsonDifferences, AreFoundHoweverDeep) {
  std::string open, close;
  for (int i = 0; i < 900; ++i) open += "[", close += "]";
  EXPECT_THAT(json_differences(open + "1" + close, open + "1" + close), IsEmpty());
  EXPECT_THAT(json_differences(open + "1" + close, open + "2" + close), SizeIs(1));
}

}  // namespace
}  // namespace fiso::program
