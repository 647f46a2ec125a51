#include "link/patient_job.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "async/spawn.h"
#include "async/testing/run_task.h"

namespace fiso::link {
namespace {

using std::chrono::hours;

MonotonicTime in(Duration time) { return std::chrono::steady_clock::now() + time; }

// A job that hangs until the test lets it go on.
class PatientJobTest : public ::testing::Test {
 protected:
  PatientJobTest() : shards_(1), blocking_(2, 16) {
    job_ = std::make_unique<PatientJob<int>>(blocking_, [number = number_, may_go = go_.get_future().share()] {
      int mine = ++*number;
      may_go.wait();
      return mine;
    });
  }
  ~PatientJobTest() override {
    shards_.run_on(0, [&](async::Shard&) { job_.reset(); });
  }
  Result<int> run(MonotonicTime deadline) {
    return testing::run_task(shards_[0], [&] { return job_->run(deadline); });
  }
  static Task<> tell(PatientJob<int>& job, std::promise<Result<int>>& found) { found.set_value(co_await job.run(in(hours(1)))); }

  std::shared_ptr<std::atomic<int>> number_ = std::make_shared<std::atomic<int>>(0);
  std::promise<void> go_;
  async::ShardSet shards_;
  async::BlockingPool blocking_;
  std::unique_ptr<PatientJob<int>> job_;
};

TEST_F(PatientJobTest, GivesWhatTheJobReturns) {
  go_.set_value();
  EXPECT_EQ(run(in(hours(1))).value(), 1);
  EXPECT_EQ(run(in(hours(1))).value(), 2);
}

TEST_F(PatientJobTest, IsNotWaitedForLongerThanToldAndRunsOnceAtATime) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run(in(std::chrono::milliseconds(20))).error().code(), ErrorCode::kTimeout);
  EXPECT_FALSE(blocking_.wait_idle(in(Duration(0))));
  EXPECT_LE(number_->load(), 1);
  go_.set_value();
  EXPECT_EQ(run(in(hours(1))).value(), 2) << "what the first run found may be old";
  EXPECT_TRUE(blocking_.wait_idle(in(hours(1))));
}

TEST_F(PatientJobTest, EndsWhenItIsAbortedAndForGood) {
  std::promise<Result<int>> found;
  shards_.run_on(0, [&](async::Shard& shard) { async::spawn(shard, tell(*job_, found)); });
  shards_.run_on(0, [&](async::Shard&) { job_->abort(); });
  EXPECT_EQ(found.get_future().get().error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(run(in(hours(1))).error().code(), ErrorCode::kCancelled);
  shards_.run_on(0, [&](async::Shard&) { job_.reset(); });
  go_.set_value();  // nobody is there any more
}

}  // namespace
}  // namespace fiso::link
