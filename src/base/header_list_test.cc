#include "base/header_list.h"

#include <gtest/gtest.h>

namespace fiso {
namespace {

TEST(HeaderList, NamesAreFoundInAnyCase) {
  HeaderList list;
  list.add("Content-Type", "application/json");
  EXPECT_EQ(list.find("content-type"), "application/json");
  EXPECT_EQ(list.find("content-typ"), std::nullopt);
}

TEST(HeaderList, RepeatedFieldsStayInOrderAndTheFirstIsFound) {
  HeaderList list;
  list.add("A", "1");
  list.add("B", "2");
  list.add("a", "3");
  EXPECT_EQ(list.find("A"), "1");
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[2].value, "3");
}

TEST(HeaderList, SetReplacesEveryFieldOfTheNameEvenFromItself) {
  HeaderList list;
  list.add("A", "1");
  list.add("a", "2");
  list.add("B", "3");
  list.set("A", list[2].value);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list.find("a"), "3");
}

}  // namespace
}  // namespace fiso
