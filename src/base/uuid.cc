#include "base/uuid.h"

#include <sys/random.h>

#include <array>
#include <cstring>

#include "base/check.h"

namespace fiso {
namespace {

using Uuid = std::array<uint8_t, 16>;

// getrandom(2) costs about a microsecond a call, so each thread asks for 4 KiB at a time.
Uuid random_uuid() {
  thread_local std::array<uint8_t, 4096> buffer;
  thread_local size_t used = buffer.size();
  if (used == buffer.size()) {
    size_t filled = 0;
    while (filled < buffer.size()) {
      ssize_t n = getrandom(buffer.data() + filled, buffer.size() - filled, 0);
      FISO_CHECK(n > 0, "getrandom");
      filled += static_cast<size_t>(n);
    }
    used = 0;
  }
  Uuid uuid;
  std::memcpy(uuid.data(), buffer.data() + used, uuid.size());
  std::memset(buffer.data() + used, 0, uuid.size());
  used += uuid.size();
  return uuid;
}

std::string format(Uuid uuid, uint8_t version) {
  uuid[6] = static_cast<uint8_t>((uuid[6] & 0x0f) | (version << 4));
  uuid[8] = static_cast<uint8_t>((uuid[8] & 0x3f) | 0x80);
  constexpr char kHex[] = "0123456789abcdef";
  std::string text(36, '-');
  char* out = text.data();
  for (size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) ++out;
    *out++ = kHex[uuid[i] >> 4];
    *out++ = kHex[uuid[i] & 15];
  }
  return text;
}

}  // namespace

std::string make_uuid_v4() { return format(random_uuid(), 4); }

std::string make_uuid_v7(WallTime now) {
  Uuid uuid = random_uuid();
  auto ms = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
  for (size_t i = 0; i < 6; ++i) uuid[i] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  return format(uuid, 7);
}

}  // namespace fiso
