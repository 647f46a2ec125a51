// The scatter and gather lists of fd_read, fd_write and their kin, as they lie in guest memory.
//
// Entries are read one at a time and checked each time, since a read may overwrite the list it is described by.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "wasm/wasi/guest_memory.h"
#include "wasm/wasi/sandbox_path.h"

namespace fiso::wasm::wasi {

class IoVectors {
 public:
  IoVectors(GuestMemory memory, GuestPointer list, uint32_t count) : memory_(memory), list_(list), count_(count) {}

  uint32_t count() const { return count_; }

  // Bytes of all buffers. kInval for more than `most` entries, kFault if the list or a buffer is not inside memory.
  OrErrno<uint64_t> total(uint32_t most) const {
    if (count_ > most) return tl::unexpected(Errno::kInval);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count_; ++i) {
      auto buffer = (*this)[i];
      if (!buffer) return tl::unexpected(Errno::kFault);
      sum += buffer->size();
    }
    return sum;
  }

  // Nothing if it is not inside memory.
  std::optional<std::span<uint8_t>> operator[](uint32_t i) const {
    uint64_t entry = list_ + uint64_t{i} * iovec::kSize;
    auto pointer = memory_.read<uint32_t>(entry + iovec::kBuf);
    auto length = memory_.read<uint32_t>(entry + iovec::kLen);
    if (!pointer || !length) return std::nullopt;
    uint8_t* bytes = memory_.at(*pointer, *length);
    if (bytes == nullptr) return std::nullopt;
    return std::span(bytes, *length);
  }

 private:
  GuestMemory memory_;
  GuestPointer list_;
  uint32_t count_;
};

}  // namespace fiso::wasm::wasi
