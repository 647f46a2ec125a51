#include "wasm/light/guest_listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>

namespace fiso::wasm::light {
namespace {

constexpr int kBacklog = 4096;  // the kernel lowers it to net.core.somaxconn

Error refused(const std::string& address, const std::string& why) {
  return Error(ErrorCode::kUnavailable, "the guest cannot listen: " + why).with_context(address);
}

bool read_address(const std::string& text, sockaddr_in& address) {
  size_t colon = text.rfind(':');
  if (colon == std::string::npos) return false;
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data() + colon + 1, end, port);
  address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
  return error == std::errc() && rest == end && inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) == 1;
}

}  // namespace

Result<GuestListener> open_guest_listener(const std::string& address) {
  sockaddr_in where;
  if (!read_address(address, where)) return refused(address, "it is no IPv4 address with a port");
  FileHandle socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return refused(address, errno_text(errno));
  int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // inherited by the connections
  auto* name = reinterpret_cast<sockaddr*>(&where);
  socklen_t size = sizeof where;
  if (::bind(socket.get(), name, size) != 0 || ::listen(socket.get(), kBacklog) != 0 ||
      ::getsockname(socket.get(), name, &size) != 0)
    return refused(address, errno_text(errno));
  GuestListener listener;
  listener.address = address.substr(0, address.rfind(':') + 1) + std::to_string(ntohs(where.sin_port));
  listener.socket = std::make_shared<const wasi::HostFile>(std::move(socket), wasi::Access::kReadWrite);
  return listener;
}

}  // namespace fiso::wasm::light
