// fd_readdir: entries of a directory from a cookie on, until the guest's buffer is full.
//
// A cookie is the host's own position after an entry, so a listing goes on where it stopped even when the directory changes
// meanwhile. Each call reads through a descriptor of its own: what instances share has no position that could be disturbed.
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "wasm/wasi/calls.h"
#include "wasm/wasi/sandbox_path.h"

namespace fiso::wasm::wasi::calls {
namespace {

// What one call gives at most. A buffer that is not full means the end to the guest, so a larger one that would have to stay
// half empty is kOverflow instead.
constexpr size_t kMostListed = 1u << 20;

struct Listing {
  std::string bytes;
  Errno error = Errno::kSuccess;
};

template <class T>
void append_value(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void append_entry(std::string& to, uint64_t next, uint64_t inode, std::string_view name, Filetype type) {
  append_value(to, next);
  append_value(to, inode);
  append_value(to, static_cast<uint32_t>(name.size()));
  append_value(to, static_cast<uint32_t>(type));
  to += name;
}

Filetype filetype_of_entry(unsigned char type) { return filetype_of_mode(DTTOIF(type)); }

struct HostEntry {  // the kernel's linux_dirent64, up to its name
  uint64_t inode;
  int64_t next;
  uint16_t length;
  uint8_t type;
};
constexpr size_t kHostName = 19;

// Appends the entries of one answer of getdents64(2).
void append_entries(std::string& to, const char* bytes, size_t size) {
  for (size_t at = 0; at < size;) {
    HostEntry entry;
    std::memcpy(&entry, bytes + at, kHostName);
    std::string_view name(bytes + at + kHostName);
    // Where the directory lies on the host is none of the guest's business.
    uint64_t inode = name == ".." ? 0 : entry.inode;
    append_entry(to, static_cast<uint64_t>(entry.next), inode, name, filetype_of_entry(entry.type));
    at += entry.length;
  }
}

Listing list_host(int directory, uint64_t cookie, size_t wanted) {
  auto own = open_beneath(directory, ".", O_RDONLY | O_DIRECTORY);
  if (!own) return {.error = own.error()};
  if (::lseek(own->get(), static_cast<off_t>(cookie), SEEK_SET) < 0) return {.error = errno_of_host(errno)};
  Listing listing;
  std::array<char, 32768> answer;
  while (listing.bytes.size() < std::min(wanted, kMostListed)) {
    long count = syscall(SYS_getdents64, own->get(), answer.data(), answer.size());
    if (count < 0) return {.error = errno_of_host(errno)};
    if (count == 0) return listing;
    append_entries(listing.bytes, answer.data(), static_cast<size_t>(count));
  }
  if (listing.bytes.size() < wanted) return {.error = Errno::kOverflow};
  return listing;
}

Listing list_input_directory(uint64_t cookie) {
  Listing listing;
  if (cookie < 1) append_entry(listing.bytes, 1, 1, ".", Filetype::kDirectory);
  if (cookie < 2) append_entry(listing.bytes, 2, 0, "..", Filetype::kDirectory);
  if (cookie < 3) append_entry(listing.bytes, 3, 2, kInputFileName, Filetype::kRegularFile);
  return listing;
}

// The last entry may be cut; the guest sees that its buffer is full and asks again.
Errno write_listing(GuestMemory memory, GuestPointer buffer, uint32_t length, GuestPointer used, const Listing& listing) {
  if (listing.error != Errno::kSuccess) return listing.error;
  std::string_view bytes = std::string_view(listing.bytes).substr(0, length);
  bool written = memory.write(buffer, bytes) && memory.write(used, static_cast<uint32_t>(bytes.size()));
  return written ? Errno::kSuccess : Errno::kFault;
}

}  // namespace

Outcome fd_readdir(Guest& guest, GuestMemory memory, Args args) {
  const Descriptor* directory = guest.fds().find(args.u32(0));
  GuestPointer buffer = args.u32(1);
  uint32_t length = args.u32(2);
  uint64_t cookie = args.u64(3);
  GuestPointer used = args.u32(4);
  if (directory == nullptr) return Errno::kBadf;
  if (directory->kind != Descriptor::Kind::kDirectory && directory->kind != Descriptor::Kind::kInputDirectory)
    return Errno::kNotdir;
  if (!directory->may(rights::kFdReaddir)) return Errno::kNotcapable;
  if (memory.at(buffer, length) == nullptr || memory.at(used, sizeof(uint32_t)) == nullptr) return Errno::kFault;
  if (!directory->is_host()) return write_listing(memory, buffer, length, used, list_input_directory(cookie));
  return off_shard(
      [host = directory->host, cookie, length] { return list_host(host->fd(), cookie, length); },
      [=](Guest&, GuestMemory then, const Listing& listing) { return write_listing(then, buffer, length, used, listing); });
}

}  // namespace fiso::wasm::wasi::calls
