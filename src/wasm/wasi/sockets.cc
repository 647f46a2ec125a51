// Sockets: a guest that lives on accepts connections from the listeners it was given, and shuts them down in either direction.
// Others have none: whatever descriptor they name is something else, or nothing.
#include <sys/socket.h>

#include <cerrno>

#include "wasm/wasi/calls.h"
#include "wasm/wasi/socket_io.h"

namespace fiso::wasm::wasi::calls {
namespace {

using Kind = Descriptor::Kind;

constexpr Rights kConnectionRights = rights::kFdRead | rights::kFdWrite | rights::kFdFdstatSetFlags | rights::kFdFilestatGet |
                                     rights::kPollFdReadwrite | rights::kSockShutdown;
constexpr uint32_t kPeek = 1, kWaitAll = 2;          // riflags
constexpr uint32_t kShutReceive = 1, kShutSend = 2;  // sdflags

OrErrno<const Descriptor*> find_socket(Guest& guest, Fd fd, Kind kind, Rights needed) {
  const Descriptor* socket = guest.fds().find(fd);
  if (socket == nullptr) return tl::unexpected(Errno::kBadf);
  if (!socket->is_socket()) return tl::unexpected(Errno::kNotsock);
  if (socket->kind != kind) return tl::unexpected(kind == Kind::kListener ? Errno::kInval : Errno::kNotconn);
  if (!socket->may(needed)) return tl::unexpected(Errno::kNotcapable);
  return socket;
}

// A connection that was given up before it was accepted is nobody's.
bool is_passing(int error) { return error == EINTR || error == ECONNABORTED || error == EPROTO; }

Errno accept_one(Guest& guest, GuestMemory memory, int listener, uint16_t flags, GuestPointer result) {
  if (guest.fds().full()) return Errno::kMfile;
  int fd;
  do fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  while (fd < 0 && is_passing(errno));
  if (fd < 0) return errno_of_host(errno);
  auto connection = std::make_shared<const HostFile>(FileHandle(fd), Access::kReadWrite);
  auto added = guest.fds().add(
      {.kind = Kind::kSocket, .flags = flags, .rights = kConnectionRights, .inheriting = 0, .host = std::move(connection)});
  return memory.write(result, *added) ? Errno::kSuccess : Errno::kFault;
}

}  // namespace

Outcome sock_accept(Guest& guest, GuestMemory memory, Args args) {
  auto listener = find_socket(guest, args.u32(0), Kind::kListener, rights::kSockAccept);
  if (!listener) return listener.error();
  uint32_t flags = args.u32(1);
  if ((flags & ~uint32_t{fdflags::kNonblock}) != 0) return Errno::kInval;
  GuestPointer result = args.u32(2);
  if (memory.at(result, sizeof(uint32_t)) == nullptr) return Errno::kFault;
  guest.life()->accepts(*(*listener)->host);
  return when_ready(guest, memory, **listener, POLLIN, [=, fd = (*listener)->host->fd()](Guest& then, GuestMemory memory_then) {
    return accept_one(then, memory_then, fd, static_cast<uint16_t>(flags), result);
  });
}

Outcome sock_recv(Guest& guest, GuestMemory memory, Args args) {
  auto socket = find_socket(guest, args.u32(0), Kind::kSocket, rights::kFdRead);
  if (!socket) return socket.error();
  uint32_t flags = args.u32(3);
  if ((flags & ~(kPeek | kWaitAll)) != 0) return Errno::kInval;
  if ((flags & kWaitAll) != 0) return Errno::kNotsup;
  Transfer transfer{.list = args.u32(1), .count = args.u32(2), .result = args.u32(4)};
  return receive(guest, memory, **socket, transfer, {.peek = (flags & kPeek) != 0, .flags_at = args.u32(5)});
}

Outcome sock_send(Guest& guest, GuestMemory memory, Args args) {
  auto socket = find_socket(guest, args.u32(0), Kind::kSocket, rights::kFdWrite);
  if (!socket) return socket.error();
  if (args.u32(3) != 0) return Errno::kInval;
  return send(guest, memory, **socket, {.list = args.u32(1), .count = args.u32(2), .result = args.u32(4)});
}

Outcome sock_shutdown(Guest& guest, GuestMemory, Args args) {
  auto socket = find_socket(guest, args.u32(0), Kind::kSocket, rights::kSockShutdown);
  if (!socket) return socket.error();
  uint32_t how = args.u32(1);
  if (how == 0 || (how & ~(kShutReceive | kShutSend)) != 0) return Errno::kInval;
  int host_how = how == kShutReceive ? SHUT_RD : how == kShutSend ? SHUT_WR : SHUT_RDWR;
  return ::shutdown((*socket)->host->fd(), host_how) == 0 ? Errno::kSuccess : errno_of_host(errno);
}

}  // namespace fiso::wasm::wasi::calls
