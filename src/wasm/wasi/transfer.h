// What a read or a write is about: where it finds its buffers, and where it leaves its result.
#pragma once

#include <cstdint>

#include "wasm/wasi/guest.h"
#include "wasm/wasi/io_vectors.h"

namespace fiso::wasm::wasi {

// Where a call finds its buffers and leaves its result; the same before and after a wait.
struct Transfer {
  GuestPointer list;
  uint32_t count;
  GuestPointer result;

  IoVectors vectors(GuestMemory memory) const { return {memory, list, count}; }
};

// Bytes asked for in all; whatever is wrong with the arguments shows here, before anything is moved.
inline OrErrno<uint64_t> bytes_wanted(const Guest& guest, GuestMemory memory, const Transfer& transfer) {
  if (memory.at(transfer.result, sizeof(uint32_t)) == nullptr) return tl::unexpected(Errno::kFault);
  return transfer.vectors(memory).total(guest.limits().iovecs);
}

}  // namespace fiso::wasm::wasi
