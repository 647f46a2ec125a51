// The contract of an engine that runs WebAssembly: files through preopened directories, and no others.
#pragma once

#include <boost/asio/post.hpp>
#include <map>

#include "async/signal.h"
#include "wasm/testing/engine_under_test.h"
#include "wasm/wasi/testing/scratch_directory.h"

namespace fiso::wasm::testing {

class EngineFiles : public EngineSuite {
 protected:
  void SetUp() override { FISO_NEEDS(kGuestCode); }

  GuestSpec files(wasi::Access access = wasi::Access::kReadWrite) const {
    return {.module = "files", .wasi = {.preopens = {{"/data", scratch_.make_directory("box"), access}}}};
  }
  static std::string job(std::string_view op, std::string_view path, std::string_view text = "", std::string_view to = "") {
    return "{\"op\":\"" + std::string(op) + "\",\"path\":\"" + std::string(path) + "\",\"text\":\"" + std::string(text) +
           "\",\"to\":\"" + std::string(to) + "\"}";
  }
  // What the operation gave: its text, or "errno N".
  static std::string does(RunningGuest& guest, const std::string& payload) {
    RunResult result = guest.run(envelope(payload));
    auto between = [&](std::string_view name, std::string_view end) {
      size_t from = result.output.find(name) + name.size();
      return result.output.substr(from, result.output.find(end, from) - from);
    };
    if (result.outcome != Outcome::kOk) return verdict(result);
    if (result.output.find("\"ok\":true") == std::string::npos) return "errno " + between("\"errno\":", ",");
    return between("\"text\":\"", "\"");
  }

  wasi::testing::ScratchDirectory scratch_;
};

TEST_P(EngineFiles, AreReadAndWrittenThroughAPreopen) {
  RunningGuest guest(rig(), files());
  EXPECT_EQ(does(guest, job("write", "/data/note", "hello")), "");
  EXPECT_EQ(scratch_.read("box/note"), "hello");
  EXPECT_EQ(does(guest, job("append", "/data/note", " there")), "");
  EXPECT_EQ(does(guest, job("read", "/data/note")), "hello there");
  EXPECT_EQ(does(guest, job("stat", "/data/note")), "file 11");
  EXPECT_EQ(does(guest, job("truncate", "/data/note", "5")), "");
  EXPECT_EQ(does(guest, job("mkdir", "/data/sub")), "");
  EXPECT_EQ(does(guest, job("rename", "/data/note", "", "/data/sub/note")), "");
  EXPECT_EQ(does(guest, job("list", "/data")), "sub");
  EXPECT_EQ(does(guest, job("read", "/data/sub/note")), "hello");
  EXPECT_EQ(does(guest, job("unlink", "/data/sub/note")), "");
}

TEST_P(EngineFiles, DirectoriesAreRemoved) {
  FISO_NEEDS(kOwnWasi);  // wasmer-wasix knows only directories that the same instance has looked at
  RunningGuest guest(rig(), files());
  EXPECT_EQ(does(guest, job("mkdir", "/data/sub")), "");
  EXPECT_EQ(does(guest, job("rmdir", "/data/sub")), "");
  EXPECT_EQ(does(guest, job("list", "/data")), "");
}

TEST_P(EngineFiles, OfAReadOnlyPreopenAreNotChanged) {
  scratch_.make_directory("box");
  scratch_.write("box/note", "hello");
  RunningGuest guest(rig(), files(wasi::Access::kReadOnly));
  EXPECT_EQ(does(guest, job("read", "/data/note")), "hello");
  EXPECT_EQ(does(guest, job("list", "/data")), "note");
  for (const std::string& change : {job("write", "/data/note", "x"), job("append", "/data/note", "x"),
                                    job("truncate", "/data/note", "0"), job("mkdir", "/data/sub"), job("unlink", "/data/note"),
                                    job("rename", "/data/note", "", "/data/other"), job("link", "/data/note", "", "/data/other"),
                                    job("symlink", "note", "", "/data/other"), job("write", "/data/new", "x")}) {
    std::string answer = does(guest, change);
    if (GetParam().capabilities.contains(Capability::kOwnWasi)) EXPECT_EQ(answer, "errno 69") << change;  // EROFS
  }
  EXPECT_EQ(scratch_.read("box/note"), "hello");
  for (const char* name : {"box/new", "box/sub", "box/other"}) EXPECT_FALSE(scratch_.exists(name)) << name;
}

TEST_P(EngineFiles, AreNoneWithoutAPreopen) {
  RunningGuest guest(rig(), {.module = "files"});
  for (const char* path : {"/etc/passwd", "etc/passwd", "/", ".", "/proc/self/environ"})
    EXPECT_THAT(does(guest, job("read", path)), ::testing::StartsWith("errno")) << path;
}

TEST_P(EngineFiles, BesideAPreopenAreOutOfReach) {
  scratch_.write("secret.txt", "secret");
  scratch_.make_directory("box");
  scratch_.symlink("../secret.txt", "box/link");
  scratch_.symlink("/etc/passwd", "box/absolute");
  RunningGuest guest(rig(), files());
  for (const char* path : {"/data/../secret.txt", "/data/link", "/data/absolute", "/secret.txt", "/etc/passwd"})
    EXPECT_THAT(does(guest, job("read", path)), ::testing::StartsWith("errno")) << path;
}

TEST_P(EngineFiles, ThatWouldBlockAreRefused) {
  scratch_.make_directory("box");
  scratch_.make_fifo("box/fifo");
  RunningGuest guest(rig(), files());
  EXPECT_THAT(does(guest, job("read", "/data/fifo")), ::testing::StartsWith("errno"));
  EXPECT_THAT(does(guest, job("write", "/data/fifo", "x")), ::testing::StartsWith("errno"));
}

TEST_P(EngineFiles, OfSeveralPreopensKeepApart) {
  scratch_.make_directory("one");
  scratch_.make_directory("two");
  scratch_.write("one/name", "first");
  scratch_.write("two/name", "second");
  RunningGuest guest(rig(), {.module = "files",
                             .wasi = {.preopens = {{"/one", scratch_.path("one"), wasi::Access::kReadWrite},
                                                   {"/two", scratch_.path("two"), wasi::Access::kReadOnly}}}});
  EXPECT_EQ(does(guest, job("read", "/one/name")), "first");
  EXPECT_EQ(does(guest, job("read", "/two/name")), "second");
  EXPECT_EQ(does(guest, job("write", "/one/name", "x")), "");
  EXPECT_THAT(does(guest, job("write", "/two/name", "x")), ::testing::StartsWith("errno"));
}

TEST_P(EngineFiles, WorkInParkedGuestsToo) {
  GuestSpec spec = files();
  spec.pool = {.execution = Execution::kPooled, .size = 1};
  RunningGuest guest(rig(), spec);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(guest.parks(1));
    EXPECT_EQ(does(guest, job("write", "/data/note", "hello")), "");
    EXPECT_EQ(does(guest, job("read", "/data/note")), "hello");
  }
}

// The only thread for blocking work is taken, so the guest's call cannot end.
class BlockedFiles : public EngineFiles {
 protected:
  void SetUp() override {
    EngineFiles::SetUp();
    FISO_NEEDS(kOwnWasi);
    rig({.blocking_threads = 1});
    ASSERT_TRUE(rig().blocking.submit([this] { released_.get_future().wait(); }));
  }
  void TearDown() override {
    if (!std::exchange(is_released_, true)) released_.set_value();
  }
  void release() {
    is_released_ = true;
    released_.set_value();
  }

 private:
  std::promise<void> released_;
  bool is_released_ = false;
};

TEST_P(BlockedFiles, DoNotHoldUpTheShard) {
  RunningGuest slow(rig(), files()), quick(rig(), {.module = "passthrough"});
  std::vector<std::string> order;
  ::fiso::testing::run_task(rig().shards[0], [&]() -> Task<> {
    async::spawn(rig().shards[0], [](RunningGuest& guest, std::string input, std::vector<std::string>& done) -> Task<> {
      RunResult result = co_await guest.run_here(input);
      done.push_back("file " + std::string(to_string(result.outcome)));
    }(slow, envelope(job("write", "/data/note", "hello")), order));
    for (int i = 0; i < 20; ++i) order.emplace_back(to_string((co_await quick.run_here(envelope("1"))).outcome));
    release();
    while (order.size() < 21) co_await asio::post(async::Shard::current().executor(), async::kTask);
  });
  EXPECT_EQ(order.back(), "file ok");
  EXPECT_EQ(scratch_.read("box/note"), "hello");
}

TEST_P(BlockedFiles, AreLeftToThemselvesAtTheTimeout) {
  GuestSpec spec = files();
  spec.limits.timeout = std::chrono::milliseconds(50);
  {
    RunningGuest guest(rig(), spec);
    EXPECT_EQ(verdict(guest.run(envelope(job("write", "/data/note", "hello"))), spec.limits),
              "wasm execution timeout after 50ms");
    EXPECT_TRUE(rig().becomes_idle());
  }
  release();
  expect_a_good_guest_works();
}

}  // namespace fiso::wasm::testing
