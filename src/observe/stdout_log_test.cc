#include "observe/stdout_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <thread>

#include "observe/line_writer.h"

namespace fiso::observe {
namespace {

using ::testing::HasSubstr;

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe(ends_), 0); }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  int writer() const { return ends_[1]; }
  void close_reader() { close_end(ends_[0]); }
  void close_writer() { close_end(ends_[1]); }

  // Until every writer is closed.
  std::string read_all() {
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = ::read(ends_[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
    return text;
  }

 private:
  static void close_end(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  int ends_[2] = {-1, -1};
};

TEST(StdoutLog, EveryLineArrivesBeforeTheEnd) {
  Pipe pipe;
  {
    StdoutLog sink({.fd = pipe.writer()});
    for (int i = 0; i < 100; ++i) sink.write("line " + std::to_string(i));
  }
  pipe.close_writer();
  std::string expected;
  for (int i = 0; i < 100; ++i) expected += "line " + std::to_string(i) + "\n";
  EXPECT_EQ(pipe.read_all(), expected);
}

// As where a process says its last word and exits: nobody waits for the others.
TEST(StdoutLog, TheLastLineIsWrittenWhenItIsFinishedWhateverOthersLog) {
  for (int round = 0; round < 200; ++round) {
    char name[] = "/tmp/fiso-log-XXXXXX";
    int fd = ::mkstemp(name);
    ::unlink(name);
    StdoutLog sink({.fd = fd, .queue_lines = 8192});
    std::atomic<bool> begun = false;
    std::thread other([&] {
      for (int i = 0; i < 2000; ++i) {
        sink.write("another");
        begun = true;
      }
    });
    while (!begun) std::this_thread::yield();
    sink.write("the last");
    sink.finish();
    std::string text(1 << 20, '\0');
    ssize_t size = ::pread(fd, text.data(), text.size(), 0);
    text.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
    EXPECT_THAT(text, HasSubstr("the last\n"));
    other.join();
    ::close(fd);
    if (HasFailure()) return;
  }
}

TEST(StdoutLog, BracesArePassedAsTheyAre) {
  Pipe pipe;
  {
    StdoutLog sink({.fd = pipe.writer()});
    Log(sink, LogLevel::kInfo, "test").info("{} %v {0}");
  }
  pipe.close_writer();
  EXPECT_THAT(pipe.read_all(), HasSubstr(R"("msg":"{} %v {0}")"));
}

TEST(StdoutLog, ASlowReaderCostsTheOldestLinesNotTheWriter) {
  constexpr uint64_t kLines = 5000;
  Pipe pipe;
  auto sink = std::make_unique<StdoutLog>(StdoutLogOptions{.fd = pipe.writer(), .queue_lines = 16});
  std::string padding(100, '.');
  for (uint64_t i = 0; i < kLines; ++i) sink->write("line " + std::to_string(i) + padding);
  uint64_t dropped = sink->dropped();  // nothing can be dropped any more
  std::thread ending([&] {
    sink.reset();
    pipe.close_writer();
  });
  std::string text = pipe.read_all();
  ending.join();

  uint64_t arrived = 0;
  for (size_t at = 0; (at = text.find("line ", at)) != std::string::npos; ++at) ++arrived;
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(arrived + dropped, kLines);
  EXPECT_THAT(text, HasSubstr("line " + std::to_string(kLines - 1)));
  EXPECT_THAT(text, HasSubstr(R"("level":"WARN","msg":"log lines dropped")"));
  EXPECT_THAT(text, HasSubstr("\"total\":" + std::to_string(dropped)));
}

TEST(StdoutLog, AReaderThatNeverReadsCannotKeepTheProcess) {
  Pipe pipe;
  StdoutLog sink({.fd = pipe.writer(), .queue_lines = 16, .exit_grace = Duration(0)});
  for (int i = 0; i < 5000; ++i) sink.write(std::string(100, '.'));
}

TEST(StdoutLog, AReaderThatWentAwayIsOnlyCounted) {
  Pipe pipe;
  StdoutLog sink({.fd = pipe.writer()});
  pipe.close_reader();
  sink.write("to nobody");
  while (sink.dropped() == 0) std::this_thread::yield();
  EXPECT_EQ(sink.dropped(), 1u);
}

TEST(LineWriter, LinesLongerThanAPipeTakesAtOnceArriveWhole) {
  Pipe pipe;
  std::string line(300'000, 'x');
  std::thread writing([&] {
    EXPECT_TRUE(LineWriter(pipe.writer()).write(line));
    pipe.close_writer();
  });
  EXPECT_EQ(pipe.read_all(), line + "\n");
  writing.join();
}

TEST(LineWriter, GivesUpWhenToldTo) {
  Pipe pipe;
  LineWriter writer(pipe.writer());
  writer.give_up_at(MonotonicTime::min());
  EXPECT_FALSE(writer.write(std::string(1'000'000, 'x')));
}

TEST(LineWriter, AClosedDescriptorIsAnError) {
  Pipe pipe;
  LineWriter writer(pipe.writer());
  pipe.close_writer();
  EXPECT_FALSE(writer.write("x"));
}

}  // namespace
}  // namespace fiso::observe
