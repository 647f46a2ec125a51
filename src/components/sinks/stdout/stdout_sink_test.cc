#include "components/sinks/stdout/stdout_sink.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "async/yield.h"
#include "base/file_handle.h"
#include "core/testing/sink_contract.h"

namespace fiso::testing {
namespace {

// A pipe that takes nothing any more, and nobody reads it.
class FullPipe {
 public:
  FullPipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
    reading_ = FileHandle(ends[0]);
    writing_ = FileHandle(ends[1]);
    std::string some(4096, '.');
    while (write(writing_.get(), some.data(), some.size()) > 0) {}
  }
  int writer() const { return writing_.get(); }
  // Up to `last`, the filling included.
  std::string read_until(std::string_view last) {
    std::string text;
    char buffer[4096];
    while (text.find(last) == std::string::npos) {
      ssize_t n = read(reading_.get(), buffer, sizeof buffer);
      if (n > 0) text.append(buffer, static_cast<size_t>(n));
    }
    return text;
  }

 private:
  FileHandle reading_, writing_;
};

// Standard output is a file in memory; one that takes nothing when it fails; a full pipe when it hangs.
class StdoutBench final : public SinkBench {
 public:
  async::ShardSet& shards() override { return shards_; }
  bool become(Mood mood) override {
    mood_ = mood;
    return mood != Mood::kRefuses;
  }
  std::unique_ptr<core::Sink> make_sink(async::Shard&) override {
    bool hangs = mood_ == Mood::kHangs;
    outputs_.push_back(std::make_unique<sinks::LineQueue>(hangs                   ? pipe_.writer()
                                                          : mood_ == Mood::kTakes ? file_.get()
                                                                                  : full_.get()));
    sinks::StdoutSink::Config config;
    if (hangs) config.timeout = std::chrono::milliseconds(50);
    return std::make_unique<sinks::StdoutSink>(*outputs_.back(), config);
  }
  std::vector<std::string> taken() override {
    std::string text(static_cast<size_t>(lseek(file_.get(), 0, SEEK_CUR)), '\0');
    EXPECT_EQ(pread(file_.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    std::vector<std::string> lines;
    for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
      lines.push_back(text.substr(at, end - at));
    EXPECT_TRUE(text.empty() || text.back() == '\n');
    return lines;
  }

 private:
  async::ShardSet shards_{1};
  FileHandle file_{memfd_create("stdout", MFD_CLOEXEC)};
  FileHandle full_{open("/dev/full", O_WRONLY | O_CLOEXEC)};
  FullPipe pipe_;
  std::vector<std::unique_ptr<sinks::LineQueue>> outputs_;
  Mood mood_ = Mood::kTakes;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Stdout, SinkContract, StdoutBench);

// A terminal or pipe that somebody else has set to non-blocking must not break a line in two.
TEST(StdoutSinkTest, ALineStaysWholeInAFullPipe) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  FileHandle reading(ends[0]), writing(ends[1]);
  fcntl(writing.get(), F_SETFL, O_NONBLOCK);
  OwnedOutbound event("\"" + std::string(1 << 20, 'x') + "\"");
  std::string read_back;
  std::thread reader([&] {
    char buffer[4096];
    while (read_back.size() < event.body().size() + 1) {
      ssize_t n = read(reading.get(), buffer, sizeof buffer);
      if (n <= 0) return;
      read_back.append(buffer, static_cast<size_t>(n));
    }
  });
  async::ShardSet shards(1);
  sinks::LineQueue output(writing.get());
  sinks::StdoutSink sink(output, {});
  auto delivered = run_task(shards[0], [&] { return sink.deliver(event.get()); });
  writing = FileHandle();
  reader.join();
  EXPECT_TRUE(delivered.has_value()) << delivered.error().describe();
  EXPECT_TRUE(read_back == event.body() + "\n") << read_back.size();
}

Result<> write(async::Shard& shard, sinks::LineQueue& output, std::string line, Duration timeout) {
  return run_task(shard, [&] { return output.write(line, Clock::system().now() + timeout); });
}

TEST(LineQueueTest, WhatTimedOutIsNotWrittenLater) {
  async::ShardSet shards(1);
  FullPipe pipe;
  sinks::LineQueue output(pipe.writer());
  for (std::string line : {"late-1", "late-2"}) {
    auto written = write(shards[0], output, line, std::chrono::milliseconds(20));
    ASSERT_FALSE(written.has_value());
    EXPECT_EQ(written.error().code(), ErrorCode::kTimeout);
  }
  std::string text;
  std::thread reader([&] { text = pipe.read_until("in time\n"); });
  EXPECT_TRUE(write(shards[0], output, "in time", std::chrono::seconds(30)).has_value());
  reader.join();
  EXPECT_EQ(text.find("late"), std::string::npos);
}

// Whoever waits holds a place; who finds none is told at once.
class FullLineQueueTest : public ::testing::Test {
 protected:
  // Beside a line that waits: the code that another of that size is answered with.
  ErrorCode second(sinks::LineQueueLimits limits, size_t size) {
    async::ShardSet shards(1);
    FullPipe pipe;
    sinks::LineQueue output(pipe.writer(), limits);
    ErrorCode first = ErrorCode::kInternal, other = ErrorCode::kInternal;
    run_task(shards[0], [&]() -> Task<> {
      async::Gate gate(shards[0].executor());
      async::spawn(shards[0], [](sinks::LineQueue& queue, ErrorCode& code, async::Gate::Pass) -> Task<> {
        auto written = co_await queue.write(std::string(100, 'x'), Clock::system().now() + std::chrono::milliseconds(200));
        code = written.error().code();
      }(output, first, gate.enter()));
      co_await async::yield(shards[0]);
      auto written = co_await output.write(std::string(size, 'y'), Clock::system().now() + std::chrono::milliseconds(1));
      other = written.error().code();
      co_await gate.wait_empty();
    });
    EXPECT_EQ(first, ErrorCode::kTimeout);
    return other;
  }
};

TEST_F(FullLineQueueTest, ALineTooManyIsOverload) { EXPECT_EQ(second({.lines = 1}, 1), ErrorCode::kOverloaded); }
TEST_F(FullLineQueueTest, AByteTooManyIsOverload) { EXPECT_EQ(second({.bytes = 199_B}, 100), ErrorCode::kOverloaded); }
TEST_F(FullLineQueueTest, WhatFitsWaits) { EXPECT_EQ(second({.lines = 2, .bytes = 200_B}, 100), ErrorCode::kTimeout); }

TEST(LineQueueTest, ALineLongerThanAllMayBeTogetherIsWrittenAlone) {
  async::ShardSet shards(1);
  FileHandle file(memfd_create("stdout", MFD_CLOEXEC));
  sinks::LineQueue output(file.get(), {.bytes = 10_B});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(write(shards[0], output, std::string(1000, 'x'), std::chrono::seconds(30)).has_value());
  EXPECT_EQ(output.bytes(), 0u);
}

// Half a line stands in the pipe, so it has to be finished, but not for ever.
TEST(LineQueueTest, AReaderThatNeverReadsCannotKeepTheProcess) {
  async::ShardSet shards(1);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  FileHandle reading(ends[0]), writing(ends[1]);
  sinks::LineQueue output(writing.get(), {.exit_grace = Duration(0)});
  auto written = write(shards[0], output, std::string(1 << 20, 'x'), std::chrono::milliseconds(50));
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code(), ErrorCode::kTimeout);
}

// Log and events are written by two threads, which may have the same pipe.
TEST(LineQueueTest, LinesOfTwoWritersDoNotMix) {
  async::ShardSet shards(1);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  FileHandle reading(ends[0]), writing(ends[1]);
  std::string text;
  std::thread reader([&] {
    char buffer[4096];
    for (ssize_t n; (n = read(reading.get(), buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
  });
  constexpr int kLines = 20;
  constexpr size_t kLength = 100'000;
  {
    sinks::LineQueue output(writing.get());
    std::thread logging([&] {
      observe::LineWriter log(writing.get());
      for (int i = 0; i < kLines; ++i) EXPECT_TRUE(log.write(std::string(kLength, 'l')));
    });
    for (int i = 0; i < kLines; ++i)
      EXPECT_TRUE(write(shards[0], output, std::string(kLength, 'e'), std::chrono::seconds(30)).has_value());
    logging.join();
  }
  writing = FileHandle();
  reader.join();
  ASSERT_EQ(text.size(), 2 * kLines * (kLength + 1));
  for (size_t at = 0; at < text.size(); at += kLength + 1)
    EXPECT_EQ(text.find_first_not_of(text[at], at), at + kLength) << "a line was broken";
}

}  // namespace
}  // namespace fiso::testing
