#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "json/scan.h"

namespace fiso::json {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(JsonElements, AreTheValuesOfAnArray) {
  EXPECT_THAT(elements("[]"), IsEmpty());
  EXPECT_THAT(elements("[ ]"), IsEmpty());
  EXPECT_THAT(elements("[1, \"a,]\\\"\" ,{\"b\":[2,3]}, [4,[5]] ,null]"),
              ElementsAre("1", "\"a,]\\\"\"", "{\"b\":[2,3]}", "[4,[5]]", "null"));
}

}  // namespace
}  // namespace fiso::json
