#include "net/listen_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace fiso::net {
namespace {

constexpr int kBacklog = 4096;  // the kernel lowers it to net.core.somaxconn

struct HostAndPort {
  std::string host;  // empty = every address
  std::string port;
};

Result<HostAndPort> split(std::string_view address) {
  Error bad(ErrorCode::kInvalidConfig, "expected HOST:PORT or :PORT");
  size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return bad;
  HostAndPort parts{std::string(address.substr(0, colon)), std::string(address.substr(colon + 1))};
  unsigned port = 0;
  auto [end, error] = std::from_chars(parts.port.data(), parts.port.data() + parts.port.size(), port);
  if (parts.port.empty() || error != std::errc() || *end != '\0' || port > 65535)
    return Error(ErrorCode::kInvalidConfig, "the port must be a number from 0 to 65535");
  if (parts.host.starts_with('[') && parts.host.ends_with(']'))
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  else if (parts.host.find(':') != std::string::npos)
    return Error(ErrorCode::kInvalidConfig, "an IPv6 address is written in brackets");
  return parts;
}

std::string text_of(int error) {
  switch (error) {
    case EADDRINUSE: return "address already in use";
    case EACCES: return "permission denied";
    case EADDRNOTAVAIL: return "cannot assign requested address";
    default: return std::strerror(error);
  }
}

// The listening socket, or -1 with errno set.
int try_listen(const addrinfo& target, int dual_stack) {
  int fd = ::socket(target.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int on = 1, v6_only = dual_stack == 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // a restart need not wait for old connections to fade
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // inherited by the connections
  if (target.ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  if (::bind(fd, target.ai_addr, target.ai_addrlen) == 0 && ::listen(fd, kBacklog) == 0) return fd;
  int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

uint16_t port_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  if (storage.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6&>(storage).sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in&>(storage).sin_port);
}

Result<ListenSocket> open(std::string_view address) {
  FISO_TRY(HostAndPort parts, split(address));
  bool every = parts.host.empty();
  // Every address: one IPv6 socket that takes IPv4 too, or IPv4 alone where the kernel has no IPv6.
  const char* hosts[] = {every ? "::" : parts.host.c_str(), every ? "0.0.0.0" : nullptr};
  int error = 0;
  for (const char* host : hosts) {
    if (host == nullptr) break;
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    if (int code = getaddrinfo(host, parts.port.c_str(), &hints, &found); code != 0)
      return Error(ErrorCode::kInvalidConfig, gai_strerror(code));
    std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
    int fd = try_listen(*found, every ? 1 : 0);
    if (fd >= 0) return ListenSocket{fd, port_of(fd)};
    error = errno;
    if (error == EADDRINUSE || error == EACCES) break;
  }
  return Error(ErrorCode::kUnavailable, text_of(error));
}

}  // namespace

Result<ListenSocket> open_listen_socket(std::string_view address) {
  Result<ListenSocket> opened = open(address);
  if (opened.has_value()) return opened;
  Error error = opened.take_error();
  std::string message = "listen " + std::string(address) + ": " + error.message();
  return std::move(error).with_message(std::move(message));
}

}  // namespace fiso::net
