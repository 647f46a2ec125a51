// Descriptors as such: what they are, where they stand, closing and renumbering them.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "wasm/wasi/calls.h"
#include "wasm/wasi/input_file.h"

namespace fiso::wasm::wasi::calls {
namespace {

using Kind = Descriptor::Kind;

Filetype filetype(const Descriptor& descriptor) {
  switch (descriptor.kind) {
    case Kind::kFile:
    case Kind::kInputFile: return Filetype::kRegularFile;
    case Kind::kDirectory:
    case Kind::kInputDirectory: return Filetype::kDirectory;
    case Kind::kListener:
    case Kind::kSocket: return Filetype::kSocketStream;
    case Kind::kStream: return ::isatty(descriptor.host->fd()) != 0 ? Filetype::kCharacterDevice : Filetype::kUnknown;
    // Not a character device: a guest's library would take that for a terminal and flush its output line by line.
    default: return Filetype::kUnknown;
  }
}

// Dropping the last reference may write a file back, or free its blocks. Closing a socket waits for nothing.
Outcome release(Descriptor descriptor) {
  if (!descriptor.is_host() || descriptor.is_socket()) return Errno::kSuccess;
  return off_shard([file = std::move(descriptor.host)]() mutable {
    file.reset();
    return Errno::kSuccess;
  });
}

struct SeekResult {
  uint64_t position = 0;
  Errno error = Errno::kSuccess;
};

SeekResult seek_host(int fd, int64_t offset, int whence) {
  off_t position = ::lseek(fd, offset, whence);
  if (position < 0) return {.error = errno_of_host(errno)};
  return {.position = static_cast<uint64_t>(position)};
}

Errno report(GuestMemory memory, GuestPointer result, SeekResult seek) {
  if (seek.error != Errno::kSuccess) return seek.error;
  return memory.write(result, seek.position) ? Errno::kSuccess : Errno::kFault;
}

Outcome seek_file(GuestMemory memory, const HostFileRef& file, int64_t offset, uint32_t from, GuestPointer result) {
  // Only the size may have to be asked for elsewhere (a network file system); the position is the kernel's own.
  if (from != whence::kEnd)
    return report(memory, result, seek_host(file->fd(), offset, from == whence::kSet ? SEEK_SET : SEEK_CUR));
  return off_shard([file, offset] { return seek_host(file->fd(), offset, SEEK_END); },
                   [result](Guest&, GuestMemory then, SeekResult seek) { return report(then, result, seek); });
}

Errno seek_input_file(Guest& guest, GuestMemory memory, Fd fd, int64_t offset, uint32_t from, GuestPointer result) {
  Descriptor* file = guest.fds().find(fd);
  if (file == nullptr) return Errno::kBadf;
  uint64_t base = from == whence::kSet ? 0 : from == whence::kCur ? file->position : guest.input().size();
  int64_t position;
  if (__builtin_add_overflow(static_cast<int64_t>(base), offset, &position)) return Errno::kOverflow;
  if (position < 0) return Errno::kInval;
  if (memory.at(result, sizeof(uint64_t)) == nullptr) return Errno::kFault;
  file->position = static_cast<uint64_t>(position);
  return report(memory, result, {.position = file->position});
}

}  // namespace

Outcome fd_close(Guest& guest, GuestMemory, Args args) {
  if (guest.fds().find(args.u32(0)) == nullptr) return Errno::kBadf;
  return release(guest.fds().take(args.u32(0)));
}

Outcome fd_renumber(Guest& guest, GuestMemory, Args args) {
  Fd from = args.u32(0), to = args.u32(1);
  if (guest.fds().find(from) == nullptr || to >= guest.limits().fds) return Errno::kBadf;
  if (from == to) return Errno::kSuccess;
  Descriptor moved = guest.fds().take(from);
  return release(*guest.fds().put(to, std::move(moved)));
}

Outcome fd_fdstat_get(Guest& guest, GuestMemory memory, Args args) {
  const Descriptor* descriptor = guest.fds().find(args.u32(0));
  if (descriptor == nullptr) return Errno::kBadf;
  GuestPointer at = args.u32(1);
  uint8_t* bytes = memory.at(at, fdstat::kSize);
  if (bytes == nullptr) return Errno::kFault;
  std::memset(bytes, 0, fdstat::kSize);
  bool written = memory.write(uint64_t{at} + fdstat::kFiletype, filetype(*descriptor)) &&
                 memory.write(uint64_t{at} + fdstat::kFlags, descriptor->flags) &&
                 memory.write(uint64_t{at} + fdstat::kRightsBase, descriptor->rights) &&
                 memory.write(uint64_t{at} + fdstat::kRightsInheriting, descriptor->inheriting);
  return written ? Errno::kSuccess : Errno::kFault;
}

// Appending can be switched, and whether a read of stdin waits; writing synchronously is a matter of how a file was opened.
Outcome fd_fdstat_set_flags(Guest& guest, GuestMemory, Args args) {
  Descriptor* descriptor = guest.fds().find(args.u32(0));
  uint32_t flags = args.u32(1);
  if (descriptor == nullptr) return Errno::kBadf;
  if ((flags & ~uint32_t{fdflags::kAll}) != 0) return Errno::kInval;
  if (!descriptor->may(rights::kFdFdstatSetFlags)) return Errno::kNotcapable;
  constexpr uint32_t kFixed = fdflags::kDsync | fdflags::kRsync | fdflags::kSync;
  if (((flags ^ descriptor->flags) & kFixed) != 0) return Errno::kNotsup;
  if (descriptor->kind == Kind::kFile) {
    int host_flags = (flags & fdflags::kAppend) != 0 ? O_APPEND | O_NONBLOCK : O_NONBLOCK;
    if (::fcntl(descriptor->host->fd(), F_SETFL, host_flags) != 0) return errno_of_host(errno);
  }
  descriptor->flags = static_cast<uint16_t>(flags);
  return Errno::kSuccess;
}

// Rights can be given up, never gained.
Outcome fd_fdstat_set_rights(Guest& guest, GuestMemory, Args args) {
  Descriptor* descriptor = guest.fds().find(args.u32(0));
  if (descriptor == nullptr) return Errno::kBadf;
  bool gains = (args.u64(1) & ~descriptor->rights) != 0 || (args.u64(2) & ~descriptor->inheriting) != 0;
  if (gains) return Errno::kNotcapable;
  descriptor->rights = args.u64(1);
  descriptor->inheriting = args.u64(2);
  return Errno::kSuccess;
}

Outcome fd_prestat_get(Guest& guest, GuestMemory memory, Args args) {
  const Descriptor* descriptor = guest.fds().find(args.u32(0));
  if (descriptor == nullptr || descriptor->preopen.empty()) return Errno::kBadf;
  uint64_t at = args.u32(1);
  if (memory.at(at, prestat::kSize) == nullptr) return Errno::kFault;
  bool written = memory.write(at + prestat::kTag, uint32_t{kPreopentypeDir}) &&
                 memory.write(at + prestat::kDirNameLen, static_cast<uint32_t>(descriptor->preopen.size()));
  return written ? Errno::kSuccess : Errno::kFault;
}

Outcome fd_prestat_dir_name(Guest& guest, GuestMemory memory, Args args) {
  const Descriptor* descriptor = guest.fds().find(args.u32(0));
  if (descriptor == nullptr || descriptor->preopen.empty()) return Errno::kBadf;
  if (args.u32(2) < descriptor->preopen.size()) return Errno::kNametoolong;
  return memory.write(args.u32(1), descriptor->preopen) ? Errno::kSuccess : Errno::kFault;
}

Outcome fd_seek(Guest& guest, GuestMemory memory, Args args) {
  Fd fd = args.u32(0);
  auto offset = static_cast<int64_t>(args.u64(1));
  uint32_t from = args.u32(2);
  GuestPointer result = args.u32(3);
  const Descriptor* descriptor = guest.fds().find(fd);
  if (descriptor == nullptr) return Errno::kBadf;
  if (descriptor->kind == Kind::kDirectory || descriptor->kind == Kind::kInputDirectory) return Errno::kIsdir;
  if (descriptor->kind != Kind::kFile && descriptor->kind != Kind::kInputFile) return Errno::kSpipe;
  if (!descriptor->may(rights::kFdSeek)) return Errno::kNotcapable;
  if (from > whence::kEnd) return Errno::kInval;
  if (memory.at(result, sizeof(uint64_t)) == nullptr) return Errno::kFault;
  if (descriptor->is_host()) return seek_file(memory, descriptor->host, offset, from, result);
  if (from != whence::kEnd) return seek_input_file(guest, memory, fd, offset, from, result);
  return with_input_file(guest, memory,
                         [=](Guest& later, GuestMemory then) { return seek_input_file(later, then, fd, offset, from, result); });
}

Outcome fd_tell(Guest& guest, GuestMemory memory, Args args) {
  const Descriptor* descriptor = guest.fds().find(args.u32(0));
  if (descriptor == nullptr) return Errno::kBadf;
  if (descriptor->kind == Kind::kInputFile) return report(memory, args.u32(1), {.position = descriptor->position});
  if (descriptor->kind != Kind::kFile) return Errno::kSpipe;
  if (!descriptor->may(rights::kFdTell)) return Errno::kNotcapable;
  return report(memory, args.u32(1), seek_host(descriptor->host->fd(), 0, SEEK_CUR));
}

}  // namespace fiso::wasm::wasi::calls
