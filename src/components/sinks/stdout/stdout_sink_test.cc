#include "components/sinks/stdout/stdout_sink.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <thread>

#include "base/file_handle.h"
#include "core/testing/sink_contract.h"

namespace fiso::testing {
namespace {

// Standard output is a file in memory; one that takes nothing when it fails.
class StdoutBench final : public SinkBench {
 public:
  async::ShardSet& shards() override { return shards_; }
  bool become(Mood mood) override {
    mood_ = mood;
    return mood == Mood::kTakes || mood == Mood::kFails;
  }
  std::unique_ptr<core::Sink> make_sink(async::Shard&) override {
    return std::make_unique<sinks::StdoutSink>(blocking_, mood_ == Mood::kTakes ? file_.get() : full_.get());
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
  async::BlockingPool blocking_{2, 256};
  FileHandle file_{memfd_create("stdout", MFD_CLOEXEC)};
  FileHandle full_{open("/dev/full", O_WRONLY | O_CLOEXEC)};
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
  async::BlockingPool blocking(1, 4);
  sinks::StdoutSink sink(blocking, writing.get());
  auto delivered = run_task(shards[0], [&] { return sink.deliver(event.get()); });
  writing = FileHandle();
  reader.join();
  EXPECT_TRUE(delivered.has_value()) << delivered.error().describe();
  EXPECT_TRUE(read_back == event.body() + "\n") << read_back.size();
}

}  // namespace
}  // namespace fiso::testing
