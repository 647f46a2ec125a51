#include "link/credential_slot.h"

#include <gtest/gtest.h>

#include <future>

#include "async/spawn.h"

namespace fiso::link {
namespace {

class CredentialSlotTest : public ::testing::Test {
 protected:
  CredentialSlotTest() : shards_(1) {
    shards_.run_on(0, [&](async::Shard& shard) { slot_ = std::make_unique<CredentialSlot>(shard.executor()); });
  }
  ~CredentialSlotTest() override {
    shards_.run_on(0, [&](async::Shard&) { slot_.reset(); });
  }
  static Task<> wait(CredentialSlot& slot, std::promise<bool>& found) { found.set_value(co_await slot.wait(kNever)); }

  async::ShardSet shards_;
  std::unique_ptr<CredentialSlot> slot_;
};

TEST_F(CredentialSlotTest, NobodyWaitsAtOneThatIsAbandoned) {
  std::promise<bool> before, after;
  shards_.run_on(0, [&](async::Shard& shard) { async::spawn(shard, wait(*slot_, before)); });
  shards_.run_on(0, [&](async::Shard& shard) {
    slot_->abandon();
    async::spawn(shard, wait(*slot_, after));
  });
  EXPECT_FALSE(before.get_future().get());
  EXPECT_FALSE(after.get_future().get());
}

TEST_F(CredentialSlotTest, WhatThereIsStaysWhenItIsAbandoned) {
  std::promise<bool> found;
  shards_.run_on(0, [&](async::Shard& shard) {
    slot_->set({.credential = Credential{"Authorization", Secret("x"), 1}});
    slot_->abandon();
    async::spawn(shard, wait(*slot_, found));
  });
  EXPECT_TRUE(found.get_future().get());
}

}  // namespace
}  // namespace fiso::link
