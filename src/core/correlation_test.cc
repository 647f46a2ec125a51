#include "core/correlation.h"

#include <gtest/gtest.h>

namespace fiso::core {
namespace {

constexpr std::string_view kTraceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

Correlation find(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  HeaderList headers;
  for (auto [name, value] : fields) headers.add(name, value);
  return find_correlation(headers);
}

TEST(CorrelationTest, EachHeaderGivesIt) {
  for (std::string_view name : {"fiso-correlation-id", "x-correlation-id", "x-request-id"}) {
    Correlation found = find({{name, "abc"}});
    EXPECT_EQ(found.id, "abc");
    EXPECT_EQ(found.source, name);
  }
  Correlation found = find({{"traceparent", kTraceparent}});
  EXPECT_EQ(found.id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(found.source, "traceparent");
}

TEST(CorrelationTest, TheCaseOfANameDoesNotMatter) {
  EXPECT_EQ(find({{"Fiso-Correlation-Id", "a"}}).id, "a");
  EXPECT_EQ(find({{"X-CORRELATION-ID", "b"}}).id, "b");
  EXPECT_EQ(find({{"x-Request-ID", "c"}}).id, "c");
  EXPECT_EQ(find({{"TraceParent", kTraceparent}}).source, "traceparent");
}

TEST(CorrelationTest, TheOrderIsFixedWhateverTheRequestsOrder) {
  EXPECT_EQ(
      find({{"traceparent", kTraceparent}, {"x-request-id", "3"}, {"x-correlation-id", "2"}, {"fiso-correlation-id", "1"}}).id,
      "1");
  EXPECT_EQ(find({{"traceparent", kTraceparent}, {"x-request-id", "3"}, {"x-correlation-id", "2"}}).id, "2");
  EXPECT_EQ(find({{"traceparent", kTraceparent}, {"x-request-id", "3"}}).id, "3");
}

TEST(CorrelationTest, AnUnusableValueDoesNotCount) {
  std::string too_long(257, 'x');
  for (std::string_view bad : {std::string_view(""), std::string_view("a b"), std::string_view("a\tb"), std::string_view("a\x7f"),
                               std::string_view("\xc3\xa4"), std::string_view(too_long)}) {
    Correlation found = find({{"fiso-correlation-id", bad}, {"x-request-id", "next"}});
    EXPECT_EQ(found.id, "next");
  }
  EXPECT_EQ(find({{"x-request-id", std::string(256, 'x')}}).id, std::string(256, 'x'));
}

TEST(CorrelationTest, ABadTraceparentDoesNotCount) {
  for (std::string_view bad :
       {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736", "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-011",
        "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01"})
    EXPECT_EQ(find({{"traceparent", bad}}).source, "generated") << bad;
}

TEST(CorrelationTest, WithoutAnyItIsANewUuid) {
  Correlation one = find({}), two = find({});
  EXPECT_EQ(one.source, "generated");
  EXPECT_EQ(one.id.size(), 36u);
  EXPECT_EQ(one.id[14], '4');
  EXPECT_NE(one.id, two.id);
}

}  // namespace
}  // namespace fiso::core
