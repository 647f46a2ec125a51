#include "base/header_list.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

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

std::string text(const HeaderList& list) {
  std::string all;
  for (HeaderList::Field field : list) all.append(field.name).append("=").append(field.value).append(" ");
  return all + std::to_string(list.bytes());
}

HeaderList one_to_five() {
  HeaderList list;
  for (auto [name, value] : {std::pair("A", "1"), {"Bee", "22"}, {"a", ""}, {"C", "4444"}, {"A", "5"}}) list.add(name, value);
  return list;
}

TEST(HeaderList, WhatIsNotRemovedStaysAsItWas) {
  HeaderList list = one_to_five();
  list.remove("nobody");
  EXPECT_EQ(text(list), "A=1 Bee=22 a= C=4444 A=5 15");
  list.remove("BEE");
  EXPECT_EQ(text(list), "A=1 a= C=4444 A=5 10");
  list.remove("a");
  EXPECT_EQ(text(list), "C=4444 5");
  list.remove("c");
  EXPECT_EQ(text(list), "0");
}

TEST(HeaderList, ANameOfItsOwnIsRemovedWhereverItStands) {
  for (size_t at : {0, 2, 4}) {
    HeaderList list = one_to_five();
    list.remove(list[at].name);
    EXPECT_EQ(text(list), "Bee=22 C=4444 10") << at;
  }
  HeaderList list = one_to_five();
  list.set(list[1].name, list[3].value);
  EXPECT_EQ(text(list), "A=1 a= C=4444 A=5 Bee=4444 17");
}

}  // namespace
}  // namespace fiso
