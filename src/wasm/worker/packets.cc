#include "wasm/worker/packets.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace fiso::wasm::worker {
namespace {

constexpr size_t kMostDescriptors = 4;

Error failed(const char* call) { return Error(ErrorCode::kInternal, errno_text(errno)).with_context(call); }

bool make_nonblocking(int fd) { return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0; }

}  // namespace

std::vector<std::string_view> split_words(std::string_view packet) {
  std::vector<std::string_view> words;
  for (size_t end = packet.find('\0'); end != std::string_view::npos; end = packet.find('\0')) {
    words.push_back(packet.substr(0, end));
    packet.remove_prefix(end + 1);
  }
  return words;
}

int send_packet(int socket, std::string_view packet, std::span<const int> descriptors) {
  iovec piece{const_cast<char*>(packet.data()), packet.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostDescriptors * sizeof(int))> control{};
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

Result<SocketPair> make_socket_pair(int type) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) return failed("socketpair");
  SocketPair pair{FileHandle(ends[0]), FileHandle(ends[1])};
  if (!make_nonblocking(ends[0])) return failed("fcntl");
  return pair;
}

Result<SocketPair> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return failed("pipe2");
  SocketPair pair{FileHandle(ends[0]), FileHandle(ends[1])};
  if (!make_nonblocking(ends[0])) return failed("fcntl");
  return pair;
}

}  // namespace fiso::wasm::worker
