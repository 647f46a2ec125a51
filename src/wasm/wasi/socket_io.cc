#include "wasm/wasi/socket_io.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace fiso::wasm::wasi {
namespace {

// Buffers of one call; a guest asks again for the rest.
constexpr uint32_t kMostBuffers = 64;

struct HostBuffers {
  std::array<::iovec, kMostBuffers> list;
  msghdr message{};

  HostBuffers(GuestMemory memory, const Transfer& transfer) {
    IoVectors vectors = transfer.vectors(memory);
    size_t count = 0;
    for (uint32_t i = 0; i < vectors.count() && count < kMostBuffers; ++i) {
      auto buffer = vectors[i];
      if (!buffer) break;
      if (!buffer->empty()) list[count++] = {buffer->data(), buffer->size()};
    }
    message.msg_iov = list.data();
    message.msg_iovlen = count;
  }
};

// `system()` moves bytes as sendmsg and recvmsg do.
template <class System>
Errno move(GuestMemory memory, GuestPointer result, System system) {
  ssize_t count = 0;
  do count = system();
  while (count < 0 && errno == EINTR);
  if (count < 0) return errno_of_host(errno);
  return memory.write(result, static_cast<uint32_t>(count)) ? Errno::kSuccess : Errno::kFault;
}

}  // namespace

Outcome receive(Guest& guest, GuestMemory memory, const Descriptor& socket, const Transfer& transfer, ReceiveOptions options) {
  auto wanted = bytes_wanted(guest, memory, transfer);
  if (!wanted) return wanted.error();
  if (options.flags_at && !memory.write(*options.flags_at, uint16_t{0})) return Errno::kFault;
  if (*wanted == 0) return memory.write(transfer.result, uint32_t{0}) ? Errno::kSuccess : Errno::kFault;
  int flags = MSG_DONTWAIT | (options.peek ? MSG_PEEK : 0);
  return when_ready(guest, memory, socket, POLLIN, [=, fd = socket.host->fd()](Guest&, GuestMemory now) {
    HostBuffers buffers(now, transfer);
    return move(now, transfer.result, [&] { return ::recvmsg(fd, &buffers.message, flags); });
  });
}

Outcome send(Guest& guest, GuestMemory memory, const Descriptor& socket, const Transfer& transfer) {
  auto wanted = bytes_wanted(guest, memory, transfer);
  if (!wanted) return wanted.error();
  return when_ready(guest, memory, socket, POLLOUT, [=, fd = socket.host->fd()](Guest&, GuestMemory now) {
    HostBuffers buffers(now, transfer);
    return move(now, transfer.result, [&] { return ::sendmsg(fd, &buffers.message, MSG_DONTWAIT | MSG_NOSIGNAL); });
  });
}

}  // namespace fiso::wasm::wasi
