// A server on loopback that says exactly what a test's script says, for tests of clients.
//
// Each connection runs the script on a thread of its own. Blocking; every wait ends after 30 seconds, which no passing test
// reaches.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/guarded.h"

namespace fiso::testing {

class ScriptedUpstream {
 public:
  // The server's side of one connection; closed when the script returns.
  class Conversation {
   public:
    // 0 for the first connection, then 1, ...
    int number() const { return number_; }
    // One request, head and body; empty when the client has closed.
    std::string read_request();
    // What comes up to `mark` and with it; shorter if the other side closed before.
    std::string read_until(std::string_view mark);
    // What is there, at least one byte; empty if the other side has closed.
    std::string read_some();
    // False once the client has closed or reset.
    bool send(std::string_view bytes);
    // Ends the connection by a reset.
    void reset();
    // Waits until the client closes.
    void wait_for_close();

   private:
    friend class ScriptedUpstream;
    Conversation(int fd, int number) : fd_(fd), number_(number) {}
    bool fill();
    int fd_, number_;
    std::string ahead_;
  };
  using Script = std::function<void(Conversation&)>;

  explicit ScriptedUpstream(Script script);
  // Closes every connection and waits for the scripts.
  ~ScriptedUpstream();
  ScriptedUpstream(const ScriptedUpstream&) = delete;

  uint16_t port() const { return port_; }
  int connections() const { return connections_.load(); }

 private:
  void accept_all();
  int listen_fd_ = -1;
  uint16_t port_ = 0;
  Script script_;
  std::atomic<int> connections_{0};
  struct Open {
    std::vector<int> fds;
    std::vector<std::thread> threads;
  };
  Guarded<Open> open_;
  std::thread acceptor_;
};

// "HTTP/1.1 STATUS X" with a Content-Length and `body`.
std::string response_text(int status, std::string_view body);

}  // namespace fiso::testing
