#include "program/health_command.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <span>

#include "base/file_handle.h"
#include "base/result.h"

namespace fiso::program {
namespace {

constexpr int kPatienceSeconds = 3;

Error fault(const std::string& why) { return Error(ErrorCode::kUnavailable, why); }

// Connects to the first address of the host that takes a connection.
Result<FileHandle> connect_to(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int code = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); code != 0) return fault(gai_strerror(code));
  std::string why = "no address";
  FileHandle connected;
  for (addrinfo* one = found; one != nullptr && !connected; one = one->ai_next) {
    FileHandle tried(::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol));
    timeval patience{.tv_sec = kPatienceSeconds, .tv_usec = 0};
    setsockopt(tried.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(tried.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);  // of connect() too
    if (::connect(tried.get(), one->ai_addr, one->ai_addrlen) == 0)
      connected = std::move(tried);
    else
      why = errno == EINPROGRESS ? "no answer" : errno_text(errno);
  }
  freeaddrinfo(found);
  if (!connected) return fault(why);
  return connected;
}

// The first line of the answer.
Result<std::string> ask(const std::string& host, const std::string& port, const std::string& path) {
  FISO_TRY(FileHandle connection, connect_to(host, port));
  std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
  if (!write_all(connection.get(), std::span(reinterpret_cast<const uint8_t*>(request.data()), request.size())))
    return fault(errno_text(errno));
  std::string answer;
  std::array<char, 512> piece;
  while (answer.find("\r\n") == std::string::npos && answer.size() < 4096) {
    ssize_t got = ::recv(connection.get(), piece.data(), piece.size(), 0);
    if (got < 0) return fault(errno == EAGAIN ? "no answer" : errno_text(errno));
    if (got == 0) return fault("the connection was closed without an answer");
    answer.append(piece.data(), static_cast<size_t>(got));
  }
  return answer.substr(0, answer.find("\r\n"));
}

}  // namespace

int ask_health(const std::string& address, Asked asked) {
  const std::string path = asked == Asked::kReady ? "/readyz" : "/healthz";
  size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size()) {
    std::fprintf(stderr, "error: '%s' is no address: expected HOST:PORT or :PORT\n", address.c_str());
    return 1;
  }
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  // Where a server listens on all addresses, this machine is one of them.
  if (host.empty() || host == "0.0.0.0" || host == "::") host = "localhost";
  auto line = ask(host, address.substr(colon + 1), path);
  if (!line.has_value()) {
    std::fprintf(stderr, "error: %s%s: %s\n", address.c_str(), path.c_str(), line.error().describe().c_str());
    return 1;
  }
  std::printf("%s%s: %s\n", address.c_str(), path.c_str(), line->c_str());
  return line->starts_with("HTTP/1.1 200 ") ? 0 : 1;
}

}  // namespace fiso::program
