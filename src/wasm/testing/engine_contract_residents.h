// The contract of an engine whose guests may live on: they serve a port or read what is written to them, until they end or are
// told to.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>

#include "base/file_handle.h"
#include "base/guarded.h"
#include "wasm/testing/engine_under_test.h"

namespace fiso::wasm::testing {

// What was told of a resident. Told on its shard, looked at by the test.
class ToldEvents final : public ResidentEvents {
 public:
  struct Told {
    std::string output, errors, address;
    bool waiting = false;
    std::string bytes_read;  // when it waited last
    std::optional<RunResult> end;
  };
  void written(GuestStream stream, std::string_view text) override {
    told_.with([&](Told& told) { (stream == GuestStream::kOutput ? told.output : told.errors) += text; });
  }
  void noticed(ResidentNotice notice, std::string_view text) override {
    told_.with([&](Told& told) {
      if (notice == ResidentNotice::kListening) told.address = text.substr(text.find(' ') + 1);
      if (notice != ResidentNotice::kWaiting) return;
      told.waiting = true;
      told.bytes_read = text;
    });
  }
  void ended(const RunResult& result) override {
    told_.with([&](Told& told) { told.end = result; });
  }
  void reset() {
    told_.with([](Told& told) { told = {}; });
  }
  Told now() {
    return told_.with([](Told& told) { return told; });
  }

 private:
  Guarded<Told> told_;
};

// What a server answers on a connection of its own; empty if it refuses or breaks off.
inline std::string ask_server(const std::string& address, const std::string& path) {
  size_t colon = address.find(':');
  if (colon == std::string::npos) return "";
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &where.sin_addr);
  FileHandle socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(socket.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) != 0) return "";
  std::string request = "GET " + path + " HTTP/1.1\r\nHost: guest\r\n\r\n";
  if (send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return "";
  std::string answer;
  char piece[4096];
  while (!answer.ends_with("}\n")) {
    ssize_t count = recv(socket.get(), piece, sizeof piece, 0);
    if (count <= 0) break;
    answer.append(piece, static_cast<size_t>(count));
  }
  size_t body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "" : answer.substr(body + 4);
}

class Residents : public EngineSuite {
 protected:
  void SetUp() override {
    if (GetParam().server.empty()) GTEST_SKIP() << "guests of the engine " << GetParam().name << " do not live on";
  }
  void TearDown() override {
    stop();
    if (!GetParam().server.empty())
      EXPECT_TRUE(eventually(rig().shards, [this] { return rig().capacity.memory.in_use() == 0; })) << "memory stays charged";
  }

  // With one listener, of guest port 8080.
  void start(std::string_view module, wasi::GuestOptions wasi = {}, Limits limits = {}) {
    wasi.env.emplace_back("PORT", "8080");
    if (wasi.args.empty()) wasi.args = {"guest.wasm"};
    auto setup = std::make_shared<GuestSetup>(*make_setup({.module = "", .wasi = std::move(wasi), .limits = limits}));
    setup->network.listen = {{.guest_port = 8080, .host = "127.64.0.1:0"}};
    auto loaded = rig().load(module);
    auto started = ::fiso::testing::run_task(shard(), [&] { return loaded->start_resident(shard(), setup, events_); });
    ASSERT_TRUE(started.has_value()) << started.error().describe();
    guest_ = std::move(*started);
  }
  void start_server(Limits limits = {}) {
    start(GetParam().server, {}, limits);
    ASSERT_TRUE(until([](const auto& told) { return !told.address.empty(); })) << "it does not listen";
  }
  void stop() {
    if (guest_ != nullptr) on_shard([this] { guest_.reset(); });
  }
  void write(const std::string& text) {
    on_shard([&] { guest_->write(text); });
  }
  void terminate() {
    on_shard([this] { guest_->terminate(); });
  }
  std::string ask(const std::string& path) { return ask_server(told().address, path); }
  ToldEvents::Told told() { return events_.now(); }
  bool until(const std::function<bool(const ToldEvents::Told&)>& reached) {
    return eventually(rig().shards, [&] { return reached(told()); });
  }
  std::string end() {
    return until([](const auto& told) { return told.end.has_value(); }) ? verdict(*told().end) : "lives";
  }

  async::Shard& shard() { return rig().shards[0]; }
  void on_shard(const std::function<void()>& work) {
    rig().shards.run_on(0, [&](async::Shard&) { work(); });
  }

  ToldEvents events_;
  std::unique_ptr<Resident> guest_;
};

TEST_P(Residents, AServerListensWhereItWasToldToAndKeepsItsState) {
  start_server();
  EXPECT_THAT(told().address, ::testing::StartsWith("127.64.0.1:"));
  EXPECT_EQ(ask("/"), "{\"count\":1}\n");
  EXPECT_EQ(ask("/"), "{\"count\":2}\n");
  EXPECT_EQ(ask("/"), "{\"count\":3}\n");
  EXPECT_FALSE(told().end.has_value());
  EXPECT_FALSE(told().errors.empty());  // as it was written, not at the end
  EXPECT_GT(rig().capacity.memory.in_use(), 0u);
}

TEST_P(Residents, AServerEndsWhenItIsToldTo) {
  FISO_NEEDS(kOwnWasi);  // elsewhere that is a signal, which a guest in a call of the host may never see
  start_server();
  EXPECT_EQ(ask("/"), "{\"count\":1}\n");
  terminate();
  EXPECT_NE(end(), "lives");
  EXPECT_EQ(ask("/"), "");
}

TEST_P(Residents, HowAGuestEndsIsTold) {
  start_server();
  EXPECT_EQ(ask("/exit/3"), "");
  EXPECT_EQ(end(), "module closed with exit_code(3)");
}

// wasmer-wasix makes that of a trap.
TEST_P(Residents, AnExitCodeThatLooksLikeATrapIsAnExitCode) {
  start_server();
  EXPECT_EQ(ask("/exit/45"), "");
  EXPECT_EQ(end(), "module closed with exit_code(45)");
}

TEST_P(Residents, ATrapIsTold) {
  start_server();
  EXPECT_EQ(ask("/trap"), "");
  EXPECT_EQ(end(), "wasm trap: unreachable");
}

TEST_P(Residents, MemoryIsBoundedAndChargedAsItGrows) {
  start_server({.memory = 32_MiB});
  uint64_t before = rig().capacity.memory.in_use();
  EXPECT_THAT(ask("/fill"), ::testing::HasSubstr("mebibytes"));
  EXPECT_TRUE(eventually(rig().shards, [&] { return rig().capacity.memory.in_use() > before + (15u << 20); }));
  EXPECT_LE(rig().capacity.memory.in_use(), 32u << 20);
}

TEST_P(Residents, OneIsStoppedWhereItIs) {
  start("loop");
  write("1");
  stop();
  EXPECT_FALSE(told().end.has_value());
}

TEST_P(Residents, OneIsStoppedBeforeItDoesAnything) {
  start(GetParam().server);
  stop();
  EXPECT_FALSE(told().end.has_value());
}

TEST_P(Residents, InputIsWrittenToAGuestThatReadsIt) {
  for (const char* how : {"cat", "poll"}) {
    events_.reset();
    start("cat", {.args = {"cat", how}});
    ASSERT_TRUE(until([](const auto& told) { return told.waiting; }));
    write("one\n");
    ASSERT_TRUE(until([](const auto& told) { return told.output == "one\n"; }));
    EXPECT_EQ(told().address, "");
    write("two\n");
    write("three\n");
    ASSERT_TRUE(until([](const auto& told) { return told.output == "one\ntwo\nthree\n"; }));
    EXPECT_FALSE(told().end.has_value());
    terminate();
    if (GetParam().capabilities.contains(Capability::kOwnWasi)) {
      EXPECT_EQ(end(), "ok");  // there it is the end of input
      EXPECT_EQ(told().errors, "14 bytes\n");
    }
    stop();
  }
}

TEST_P(Residents, HowMuchIsReadIsToldAndTheEndOfInputIsSeen) {
  start("cat");
  ASSERT_TRUE(until([](const auto& told) { return told.bytes_read == "0"; }));
  write("four");
  ASSERT_TRUE(until([](const auto& told) { return told.bytes_read == "4"; }));
  EXPECT_EQ(told().output, "four");  // told before
  on_shard([this] { guest_->end_input(); });
  EXPECT_EQ(end(), "ok");
}

TEST_P(Residents, TheInputAsAFileIsWholeWhenTheInputHasEnded) {
  start("enrich_stdin_file", {.args = {"guest", "--stdin-file", std::string(wasi::kInputFilePath)}, .stdin_file = true});
  ASSERT_TRUE(until([](const auto& told) { return told.bytes_read == "0"; }));
  std::string text = R"({"payload":{"a":1},)";
  write(text);
  ASSERT_TRUE(until([&](const auto& told) { return told.bytes_read == std::to_string(text.size()); }));
  write(R"("headers":{}})");
  on_shard([this] { guest_->end_input(); });
  EXPECT_EQ(end(), "ok");
  EXPECT_THAT(told().output, ::testing::HasSubstr(R"("a":1)"));
}

TEST_P(Residents, OneThatNeedNotTellThatItWaitsReadsOn) {
  for (const char* how : {"cat", "poll"}) {
    events_.reset();
    start("cat", {.args = {"cat", how}});
    ASSERT_TRUE(until([](const auto& told) { return told.waiting; }));
    on_shard([this] { guest_->hush(); });
    std::string sent;
    for (int i = 0; i < 20; ++i) {
      sent += "line\n";
      write("line\n");
      ASSERT_TRUE(until([&](const auto& told) { return told.output == sent; }));
    }
    stop();
  }
}

TEST_P(Residents, MuchInputArrivesWhole) {
  start("cat");
  std::string sent;
  for (int i = 0; i < 200; ++i) {
    std::string piece(10'000, static_cast<char>('a' + i % 26));
    sent += piece;
    write(piece);
  }
  ASSERT_TRUE(until([&](const auto& told) { return told.output.size() == sent.size(); }));
  EXPECT_TRUE(told().output == sent);
}

}  // namespace fiso::wasm::testing
