#include "net/testing/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/ascii.h"

namespace fiso::testing {

RawClient::RawClient(uint16_t port) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval limit{30, 0};
  int on = 1;
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) close();
}

RawClient::~RawClient() { close(); }

RawClient::RawClient(RawClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), ahead_(std::move(other.ahead_)), reset_(other.reset_) {}

void RawClient::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void RawClient::finish_sending() { ::shutdown(fd_, SHUT_WR); }

bool RawClient::fill() {
  char buffer[16 << 10];
  ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
  if (n < 0 && errno == ECONNRESET) reset_ = true;
  if (n <= 0) return false;
  ahead_.append(buffer, static_cast<size_t>(n));
  return true;
}

std::string RawClient::read_all() {
  while (fill()) {}
  std::string all = std::exchange(ahead_, {});
  return reset_ ? all + "<reset>" : all;
}

std::string RawClient::read_response() {
  size_t head;
  while ((head = ahead_.find("\r\n\r\n")) == std::string::npos)
    if (!fill()) return std::exchange(ahead_, {});
  size_t body = 0, at = to_lower(ahead_.substr(0, head)).find("\r\ncontent-length:");
  if (at != std::string::npos) body = std::strtoul(ahead_.c_str() + at + 17, nullptr, 10);
  size_t whole = head + 4 + body;
  while (ahead_.size() < whole)
    if (!fill()) return std::exchange(ahead_, {});
  std::string response = ahead_.substr(0, whole);
  ahead_.erase(0, whole);
  return response;
}

std::string RawClient::read_until(std::string_view mark) {
  size_t at;
  while ((at = ahead_.find(mark)) == std::string::npos)
    if (!fill()) return std::exchange(ahead_, {});
  std::string text = ahead_.substr(0, at + mark.size());
  ahead_.erase(0, text.size());
  return text;
}

std::string RawClient::read_some() {
  if (ahead_.empty()) fill();
  return std::exchange(ahead_, {});
}

std::string RawClient::exchange(std::string_view bytes) {
  send(bytes);
  return read_response();
}

bool RawClient::at_end() { return ahead_.empty() && !fill(); }

int status_of(std::string_view response) {
  if (!response.starts_with("HTTP/1.") || response.size() < 12) return 0;
  return std::atoi(std::string(response.substr(9, 3)).c_str());
}

std::string body_of(std::string_view response) {
  size_t head = response.find("\r\n\r\n");
  return head == std::string_view::npos ? std::string() : std::string(response.substr(head + 4));
}

}  // namespace fiso::testing
