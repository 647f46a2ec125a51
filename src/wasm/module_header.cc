#include "wasm/module_header.h"

#include <optional>

namespace fiso::wasm {
namespace {

constexpr size_t kHeaderBytes = 8;
constexpr uint8_t kImportSection = 2;
constexpr uint8_t kMemorySection = 5;
enum ImportKind : uint8_t { kFunction, kTable, kMemory, kGlobal, kTag };
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

bool skip(std::span<const uint8_t>& bytes, size_t count) {
  if (count > bytes.size()) return false;
  bytes = bytes.subspan(count);
  return true;
}

bool skip_name(std::span<const uint8_t>& bytes) {
  auto size = take_u32(bytes);
  return size.has_value() && skip(bytes, *size);
}

// Flags, which say whether there is a maximum and whether it is shared, the least, and the maximum.
std::optional<uint32_t> take_limits(std::span<const uint8_t>& bytes) {
  if (bytes.empty()) return std::nullopt;
  bool has_maximum = (bytes.front() & 1) != 0;
  bytes = bytes.subspan(1);
  auto least = take_u32(bytes);
  if (has_maximum && !take_u32(bytes).has_value()) return std::nullopt;
  return least;
}

Bytes to_bytes(std::optional<uint32_t> pages) { return Bytes{pages.has_value() && *pages <= kMostPages ? *pages * kPage : 0}; }

bool skip_import(std::span<const uint8_t>& bytes, uint8_t kind) {
  switch (kind) {
    case kFunction: return take_u32(bytes).has_value();
    case kTable: return skip(bytes, 1) && take_limits(bytes).has_value();
    case kGlobal: return skip(bytes, 2);
    case kTag: return skip(bytes, 1) && take_u32(bytes).has_value();
    default: return false;
  }
}

Bytes memory_of_imports(std::span<const uint8_t> body) {
  auto count = take_u32(body);
  for (uint32_t i = 0; count.has_value() && i < *count; ++i) {
    if (!skip_name(body) || !skip_name(body) || body.empty()) break;
    uint8_t kind = body.front();
    body = body.subspan(1);
    if (kind == kMemory) return to_bytes(take_limits(body));
    if (!skip_import(body, kind)) break;
  }
  return Bytes{0};
}

Bytes memory_of_memories(std::span<const uint8_t> body) {
  auto count = take_u32(body);
  return count.has_value() && *count > 0 ? to_bytes(take_limits(body)) : Bytes{0};
}

}  // namespace

Bytes initial_memory_of(std::span<const uint8_t> module) {
  std::span<const uint8_t> rest = module;
  if (!skip(rest, kHeaderBytes)) return Bytes{0};
  while (!rest.empty()) {
    uint8_t section = rest.front();
    rest = rest.subspan(1);
    auto size = take_u32(rest);
    if (!size.has_value() || *size > rest.size()) return Bytes{0};
    std::span<const uint8_t> body = rest.first(*size);
    rest = rest.subspan(*size);
    if (section == kMemorySection) return memory_of_memories(body);
    if (section != kImportSection) continue;
    if (Bytes imported = memory_of_imports(body); imported.count > 0) return imported;
  }
  return Bytes{0};
}

}  // namespace fiso::wasm
