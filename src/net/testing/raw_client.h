// A blocking client that sends exactly the bytes it is told to, for tests of servers on loopback.
//
// Every wait ends after 30 seconds, which no passing test reaches.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fiso::testing {

class RawClient {
 public:
  // Connects to 127.0.0.1; is_open() tells whether that worked.
  explicit RawClient(uint16_t port);
  ~RawClient();
  RawClient(RawClient&& other) noexcept;
  RawClient(const RawClient&) = delete;

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  // False once the other side has closed or reset.
  bool send(std::string_view bytes);
  // No more is sent; reading goes on.
  void finish_sending();
  // Everything up to the other side's close, what was read ahead included. Appends "<reset>" if it ended in a reset.
  std::string read_all();
  // One message: its head and as much body as Content-Length says; shorter if the other side closed before.
  std::string read_response();
  // What comes up to `mark` and with it; shorter if the other side closed before.
  std::string read_until(std::string_view mark);
  // What is there, at least one byte; empty if the other side has closed.
  std::string read_some();
  // A request and its response.
  std::string exchange(std::string_view bytes);
  // True if the other side has closed and nothing is left to read.
  bool at_end();
  void close();

 private:
  bool fill();
  int fd_ = -1;
  std::string ahead_;  // read, but not handed out
  bool reset_ = false;
};

// The status of a response's text; 0 if it is none.
int status_of(std::string_view response);
// What follows its head.
std::string body_of(std::string_view response);

}  // namespace fiso::testing
