// Arguments, environment and the end of the process.
#include "wasm/wasi/calls.h"

namespace fiso::wasm::wasi::calls {
namespace {

// (array of pointers, buffer): the buffer gets the strings, the array their addresses.
Errno write_strings(const StringBlock& block, GuestMemory memory, GuestPointer array, GuestPointer buffer) {
  if (memory.at(array, block.offsets.size() * sizeof(GuestPointer)) == nullptr) return Errno::kFault;
  if (!memory.write(buffer, std::string_view(block.bytes))) return Errno::kFault;
  for (size_t i = 0; i < block.offsets.size(); ++i)
    if (!memory.write(array + i * sizeof(GuestPointer), buffer + block.offsets[i])) return Errno::kFault;
  return Errno::kSuccess;
}

Errno write_sizes(const StringBlock& block, GuestMemory memory, GuestPointer count, GuestPointer bytes) {
  bool written = memory.write(count, static_cast<uint32_t>(block.offsets.size())) &&
                 memory.write(bytes, static_cast<uint32_t>(block.bytes.size()));
  return written ? Errno::kSuccess : Errno::kFault;
}

}  // namespace

Outcome args_get(Guest& guest, GuestMemory memory, Args args) {
  return write_strings(guest.config().args(), memory, args.u32(0), args.u32(1));
}

Outcome args_sizes_get(Guest& guest, GuestMemory memory, Args args) {
  return write_sizes(guest.config().args(), memory, args.u32(0), args.u32(1));
}

Outcome environ_get(Guest& guest, GuestMemory memory, Args args) {
  return write_strings(guest.config().env(), memory, args.u32(0), args.u32(1));
}

Outcome environ_sizes_get(Guest& guest, GuestMemory memory, Args args) {
  return write_sizes(guest.config().env(), memory, args.u32(0), args.u32(1));
}

Outcome proc_exit(Guest& guest, GuestMemory, Args args) {
  guest.exit(args.u32(0));
  return Outcome::exit();
}

// A guest has no signals; a trap ends it when it means to abort.
Outcome proc_raise(Guest&, GuestMemory, Args) { return Errno::kNosys; }

// The engine takes the shard from the guest when its slice is over; there is nothing to give up before.
Outcome sched_yield(Guest&, GuestMemory, Args) { return Errno::kSuccess; }

}  // namespace fiso::wasm::wasi::calls
