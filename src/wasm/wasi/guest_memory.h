// A guest's linear memory, reachable only inside its bounds.
//
// Pointers and lengths come from the guest and are never trusted: what does not lie inside yields nothing, and no sum
// overflows. Memory may grow or move whenever the guest runs, so a GuestMemory is made anew for each host call and no
// address from it is kept. Value type; does not own.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace fiso::wasm::wasi {

class GuestMemory {
 public:
  // `base` is null for a guest that has no memory: then nothing lies inside.
  GuestMemory(uint8_t* base, uint64_t size) : base_(base), size_(base == nullptr ? 0 : size) {}

  uint8_t* base() const { return base_; }
  uint64_t size() const { return size_; }

  // The address of [pointer, pointer + length); null unless all of it lies inside.
  uint8_t* at(uint64_t pointer, uint64_t length) const {
    if (pointer > size_ || length > size_ - pointer) return nullptr;
    return base_ + pointer;
  }

  template <class T>
  std::optional<T> read(uint64_t pointer) const {
    const uint8_t* from = at(pointer, sizeof(T));
    if (from == nullptr) return std::nullopt;
    T value;
    std::memcpy(&value, from, sizeof(T));
    return value;
  }

  template <class T>
  [[nodiscard]] bool write(uint64_t pointer, T value) const {
    uint8_t* to = at(pointer, sizeof(T));
    if (to == nullptr) return false;
    std::memcpy(to, &value, sizeof(T));
    return true;
  }

  [[nodiscard]] bool write(uint64_t pointer, std::string_view bytes) const {
    uint8_t* to = at(pointer, bytes.size());
    if (to == nullptr) return false;
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return true;
  }

  // The bytes themselves, valid until the host call returns.
  std::optional<std::string_view> view(uint64_t pointer, uint64_t length) const {
    const uint8_t* from = at(pointer, length);
    if (from == nullptr) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(from), length);
  }

 private:
  uint8_t* base_;
  uint64_t size_;
};

}  // namespace fiso::wasm::wasi
