#include "wasm/module_header.h"

#include <optional>

namespace fiso::wasm {
namespace {

constexpr size_t kHeaderBytes = 8;
constexpr uint8_t kMemorySection = 5;
constexpr uint64_t kPage = 64 << 10;
constexpr uint64_t kMostPages = 65536;

// An unsigned LEB128 number from the front of `bytes`.
std::optional<uint32_t> take_u32(std::span<const uint8_t>& bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 35 && !bytes.empty(); shift += 7) {
    uint8_t byte = bytes.front();
    bytes = bytes.subspan(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value <= UINT32_MAX ? std::optional(static_cast<uint32_t>(value)) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Bytes initial_memory_of(std::span<const uint8_t> module) {
  if (module.size() < kHeaderBytes) return Bytes{0};
  std::span<const uint8_t> rest = module.subspan(kHeaderBytes);
  while (!rest.empty()) {
    uint8_t section = rest.front();
    rest = rest.subspan(1);
    auto size = take_u32(rest);
    if (!size.has_value() || *size > rest.size()) return Bytes{0};
    std::span<const uint8_t> body = rest.first(*size);
    rest = rest.subspan(*size);
    if (section != kMemorySection) continue;
    auto count = take_u32(body);
    if (!count.has_value() || *count == 0 || body.empty()) return Bytes{0};
    body = body.subspan(1);  // the limits' flags: whether there is a maximum, whether it is shared
    auto pages = take_u32(body);
    return Bytes{pages.has_value() && *pages <= kMostPages ? *pages * kPage : 0};
  }
  return Bytes{0};
}

}  // namespace fiso::wasm
