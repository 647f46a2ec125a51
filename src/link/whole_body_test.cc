#include "link/whole_body.h"

#include <gtest/gtest.h>

namespace fiso::link {
namespace {

TEST(WholeBody, IsWhatWasAdded) {
  async::ShardSet shards(1);
  async::Limiter process(shards, 100, 0);
  WholeBody body(process, 10);
  EXPECT_TRUE(body.add("abc").has_value());
  EXPECT_TRUE(body.add("").has_value());
  EXPECT_TRUE(body.add("defghij").has_value());
  EXPECT_EQ(body.text(), "abcdefghij");
}

TEST(WholeBody, BeyondItsBoundIsTheSendersFault) {
  async::ShardSet shards(1);
  async::Limiter process(shards, 100, 0);
  WholeBody body(process, 3);
  EXPECT_TRUE(body.add("abc").has_value());
  EXPECT_EQ(body.add("d").error().code(), ErrorCode::kInvalidInput);
}

TEST(WholeBody, BeyondTheProcesssBoundIsOverload) {
  async::ShardSet shards(1);
  async::Limiter process(shards, 5, 0);
  WholeBody one(process, 100);
  {
    WholeBody other(process, 100);
    EXPECT_TRUE(one.add("abc").has_value());
    EXPECT_TRUE(other.add("ab").has_value());
    EXPECT_EQ(one.add("d").error().code(), ErrorCode::kOverloaded);
  }
  EXPECT_TRUE(one.add("de").has_value());
  EXPECT_EQ(process.in_use(), 5U);
}

TEST(WholeBody, WhatItsOwnerMadeOfItCountsToo) {
  async::ShardSet shards(1);
  async::Limiter process(shards, 10, 0);
  WholeBody body(process, 100);
  body.text() = "made";
  EXPECT_TRUE(body.count().has_value());
  EXPECT_TRUE(body.count().has_value());
  EXPECT_EQ(process.in_use(), 4U);
  body.text().append("123456");
  EXPECT_TRUE(body.count().has_value());
  EXPECT_EQ(process.in_use(), 10U);
  body.text().append("7");
  EXPECT_EQ(body.count().error().code(), ErrorCode::kOverloaded);
  body.text().clear();
  EXPECT_TRUE(body.count().has_value());
}

}  // namespace
}  // namespace fiso::link
