#include "net/testing/scripted_upstream.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/ascii.h"

namespace fiso::testing {

ScriptedUpstream::ScriptedUpstream(Script script) : script_(std::move(script)) {
  listen_fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listen_fd_, 128) != 0) std::abort();
  getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedUpstream::~ScriptedUpstream() {
  ::shutdown(listen_fd_, SHUT_RDWR);
  acceptor_.join();
  std::vector<std::thread> threads = open_.with([](Open& open) {
    for (int fd : open.fds) ::shutdown(fd, SHUT_RDWR);
    return std::move(open.threads);
  });
  for (std::thread& thread : threads) thread.join();
  ::close(listen_fd_);
}

void ScriptedUpstream::accept_all() {
  for (;;) {
    int fd = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    timeval limit{30, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    auto converse = [this, fd, number = connections_.fetch_add(1)] {
      Conversation conversation(fd, number);
      script_(conversation);
      open_.with([fd](Open& open) {
        std::erase(open.fds, fd);
        ::close(fd);
      });
    };
    open_.with([&](Open& open) {
      open.fds.push_back(fd);
      open.threads.emplace_back(converse);
    });
  }
}

bool ScriptedUpstream::Conversation::fill() {
  char buffer[16 << 10];
  ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
  if (n > 0) ahead_.append(buffer, static_cast<size_t>(n));
  return n > 0;
}

std::string ScriptedUpstream::Conversation::read_request() {
  size_t head;
  while ((head = ahead_.find("\r\n\r\n")) == std::string::npos)
    if (!fill()) return {};
  size_t body = 0, at = to_lower(ahead_.substr(0, head)).find("\r\ncontent-length:");
  if (at != std::string::npos) body = std::strtoul(ahead_.c_str() + at + 17, nullptr, 10);
  size_t whole = head + 4 + body;
  while (ahead_.size() < whole)
    if (!fill()) return {};
  std::string request = ahead_.substr(0, whole);
  ahead_.erase(0, whole);
  return request;
}

std::string ScriptedUpstream::Conversation::read_until(std::string_view mark) {
  size_t at;
  while ((at = ahead_.find(mark)) == std::string::npos)
    if (!fill()) return std::exchange(ahead_, {});
  std::string text = ahead_.substr(0, at + mark.size());
  ahead_.erase(0, text.size());
  return text;
}

std::string ScriptedUpstream::Conversation::read_some() {
  if (ahead_.empty()) fill();
  return std::exchange(ahead_, {});
}

bool ScriptedUpstream::Conversation::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// The file descriptor stays ours; connecting a socket to "nothing" is what resets it without closing.
void ScriptedUpstream::Conversation::reset() {
  sockaddr nothing{};
  nothing.sa_family = AF_UNSPEC;
  ::connect(fd_, &nothing, sizeof nothing);
}

void ScriptedUpstream::Conversation::wait_for_close() {
  while (fill()) ahead_.clear();
}

std::string response_text(int status, std::string_view body) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

}  // namespace fiso::testing
