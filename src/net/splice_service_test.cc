// A server whose connections are no HTTP, between a client and a target that do what a test says.
#include "net/splice_service.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <future>
#include <thread>

#include "net/http_server.h"
#include "net/listen_socket.h"
#include "net/testing/raw_client.h"

namespace fiso::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::RawClient;

MonotonicTime in(Duration time) { return std::chrono::steady_clock::now() + time; }

class ToPort final : public HttpService, public SpliceService {
 public:
  explicit ToPort(observe::Metrics& metrics)
      : series_{metrics.gauge("open", ""), metrics.counter("passed", ""), metrics.counter("failed", ""),
                metrics.counter("in", ""), metrics.counter("out", "")} {}
  Task<HttpResponse> call(HttpRequest&) override { co_return HttpResponse{}; }
  SpliceService* splicing() override { return this; }

  Task<Result<boost::asio::ip::tcp::endpoint>> find_target() override {
    ++asked;
    if (port == 0) co_return Error(ErrorCode::kOverloaded, "nobody is there");
    co_return boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), port);
  }
  void failed(const Error& error) override { why = error.message(), ++failures; }
  const SpliceSeries& series() const override { return series_; }

  std::atomic<uint16_t> port = 0;
  std::atomic<int> asked = 0, failures = 0;
  std::string why;

 private:
  SpliceSeries series_;
};

class SpliceServiceTest : public ::testing::Test {
 protected:
  ~SpliceServiceTest() override {
    server_.reset();
    if (accepted_ >= 0) ::close(accepted_);
    if (target_.fd >= 0) ::close(target_.fd);
  }

  uint16_t start(ServerLimits limits = {}) {
    server_ = std::make_unique<HttpServer>(shards_, ServerOptions{.address = "127.0.0.1:0", .limits = limits},
                                           [this](async::Shard&) -> HttpService& { return service_; });
    EXPECT_TRUE(server_->bind().has_value());
    server_->start();
    return server_->port();
  }
  void open_target() {
    auto opened = open_listen_socket("127.0.0.1:0");
    ASSERT_TRUE(opened.has_value());
    target_ = *opened;
    service_.port = target_.port;
  }
  // The target's end of the next connection.
  int accept() {
    while ((accepted_ = ::accept(target_.fd, nullptr, nullptr)) < 0) std::this_thread::yield();
    return accepted_;
  }
  std::string read(int fd) {
    char bytes[100];
    ssize_t size = ::recv(fd, bytes, sizeof bytes, 0);
    return size > 0 ? std::string(bytes, static_cast<size_t>(size)) : size == 0 ? "<end>" : "<reset>";
  }

  async::ShardSet shards_{1};
  observe::Metrics metrics_;
  ToPort service_{metrics_};
  ListenSocket target_{-1, 0};
  int accepted_ = -1;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(SpliceServiceTest, BytesPassBothWaysAndAreCounted) {
  open_target();
  RawClient client(start());
  int target = accept();
  ::send(target, "hello ", 6, 0);
  EXPECT_EQ(client.read_some(), "hello ");
  client.send("GET / no HTTP\r\n\r\n");
  EXPECT_EQ(read(target), "GET / no HTTP\r\n\r\n");
  client.finish_sending();
  EXPECT_EQ(read(target), "<end>");
  ::send(target, "still", 5, 0);
  ::shutdown(target, SHUT_WR);
  EXPECT_EQ(client.read_all(), "still");
  server_->stop();
  const SpliceSeries& series = service_.series();
  EXPECT_EQ(series.passed.value(), 1u);
  EXPECT_EQ(series.open.value(), 0);
  EXPECT_EQ(series.bytes_in.value(), 17u);
  EXPECT_EQ(series.bytes_out.value(), 11u);
}

TEST_F(SpliceServiceTest, WithoutATargetAConnectionIsClosed) {
  RawClient client(start());
  EXPECT_EQ(client.read_all(), "");
  server_->stop();
  EXPECT_EQ(service_.failures, 1);
  EXPECT_EQ(service_.why, "nobody is there");
  EXPECT_EQ(service_.series().failed.value(), 1u);
}

TEST_F(SpliceServiceTest, ATargetThatRefusesIsTriedAgain) {
  open_target();
  ::close(std::exchange(target_.fd, -1));
  uint16_t port = service_.port;
  RawClient client(start());
  while (service_.asked < 3) std::this_thread::yield();
  auto opened = open_listen_socket("127.0.0.1:" + std::to_string(port));
  ASSERT_TRUE(opened.has_value());
  target_ = *opened;
  client.send("x");
  EXPECT_EQ(read(accept()), "x");
}

TEST_F(SpliceServiceTest, OneTooManyIsClosedWithoutAWord) {
  open_target();
  uint16_t port = start({.connections = 1});
  RawClient first(port);
  accept();
  RawClient second(port);
  EXPECT_EQ(second.read_all(), "");
  EXPECT_EQ(server_->stats().refused, 1u);
}

TEST_F(SpliceServiceTest, ADrainLeavesThatWhichWaitsForAnAnswerAndEndsWhatDoesNot) {
  open_target();
  uint16_t port = start({.drain_grace = milliseconds(1)});
  RawClient waiting(port);
  int target = accept();
  waiting.send("question");
  EXPECT_EQ(read(target), "question");
  auto drained = std::async(std::launch::async, [&] { return server_->drain(in(seconds(30))); });
  EXPECT_EQ(drained.wait_for(milliseconds(500)), std::future_status::timeout);
  ::send(target, "answer", 6, 0);
  EXPECT_EQ(waiting.read_all(), "answer");
  EXPECT_EQ(drained.get(), HttpServer::Drained::kClean);
}

TEST_F(SpliceServiceTest, NobodyWaitsForAnAnswerOfATargetThatHasEnded) {
  open_target();
  RawClient client(start({.drain_grace = milliseconds(1)}));
  int target = accept();
  client.send("question");
  EXPECT_EQ(read(target), "question");
  ::shutdown(target, SHUT_WR);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(server_->drain(in(seconds(30))), HttpServer::Drained::kClean);
}

TEST_F(SpliceServiceTest, WhatIsLeftAtTheDeadlineIsCut) {
  open_target();
  RawClient client(start({.drain_grace = milliseconds(1)}));
  int target = accept();
  client.send("question");
  EXPECT_EQ(read(target), "question");
  EXPECT_EQ(server_->drain(in(milliseconds(50))), HttpServer::Drained::kCut);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(read(target), "<end>");
}

}  // namespace
}  // namespace fiso::net
