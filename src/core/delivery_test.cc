#include "core/delivery.h"

#include <gtest/gtest.h>

#include <utility>

#include "core/testing/fakes.h"

namespace fiso::core {
namespace {

using testing::FakeAnswerer;
using testing::make_event;

TEST(DeliveryTest, HandsTheAnswerToItsSource) {
  FakeAnswerer source;
  Delivery delivery(make_event("{}"), source);
  EXPECT_FALSE(delivery.answered());
  delivery.answer({});
  EXPECT_TRUE(delivery.answered());
  ASSERT_EQ(source.answers.size(), 1u);
  EXPECT_TRUE(source.answers[0].has_value());
}

TEST(DeliveryTest, OnlyTheFirstAnswerCounts) {
  FakeAnswerer source;
  {
    Delivery delivery(make_event("{}"), source);
    delivery.answer(Error(ErrorCode::kTimeout, "first"));
    delivery.answer({});
  }
  ASSERT_EQ(source.answers.size(), 1u);
  EXPECT_EQ(source.answers[0].error().message(), "first");
}

TEST(DeliveryTest, ADroppedOneIsCancelled) {
  FakeAnswerer source;
  { Delivery dropped(make_event("{}"), source); }
  ASSERT_EQ(source.answers.size(), 1u);
  ASSERT_FALSE(source.answers[0].has_value());
  EXPECT_EQ(source.answers[0].error().code(), ErrorCode::kCancelled);
}

TEST(DeliveryTest, TheDutyMovesWithTheDelivery) {
  FakeAnswerer source;
  {
    Delivery first(make_event("{\"a\":1}"), source);
    Delivery second(std::move(first));
    EXPECT_TRUE(first.answered());  // NOLINT: what is left of it must not answer
    EXPECT_EQ(second.event.payload.view(), "{\"a\":1}");
    second.answer({});
  }
  EXPECT_EQ(source.answers.size(), 1u);
}

}  // namespace
}  // namespace fiso::core
