// Guests have no sockets: whatever descriptor is named is something else, or nothing.
#include "wasm/wasi/calls.h"

namespace fiso::wasm::wasi::calls {
namespace {

Errno not_a_socket(Guest& guest, Fd fd) { return guest.fds().find(fd) == nullptr ? Errno::kBadf : Errno::kNotsock; }

}  // namespace

Outcome sock_accept(Guest& guest, GuestMemory, Args args) { return not_a_socket(guest, args.u32(0)); }
Outcome sock_recv(Guest& guest, GuestMemory, Args args) { return not_a_socket(guest, args.u32(0)); }
Outcome sock_send(Guest& guest, GuestMemory, Args args) { return not_a_socket(guest, args.u32(0)); }
Outcome sock_shutdown(Guest& guest, GuestMemory, Args args) { return not_a_socket(guest, args.u32(0)); }

}  // namespace fiso::wasm::wasi::calls
