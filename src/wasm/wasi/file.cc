// What can be done to an open file beyond reading and writing it. Everything that reaches the host goes off the shard.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "wasm/wasi/calls.h"
#include "wasm/wasi/filestat.h"
#include "wasm/wasi/input_file.h"

namespace fiso::wasm::wasi::calls {
namespace {

using Kind = Descriptor::Kind;

// Runs `system(fd)`, which answers as system calls do, if the descriptor is the host's and has the right.
template <class System>
Outcome on_host_file(Guest& guest, Fd fd, Rights right, System system) {
  const Descriptor* descriptor = guest.fds().find(fd);
  if (descriptor == nullptr) return Errno::kBadf;
  if (!descriptor->may(right)) {
    bool read_only = descriptor->is_host() && descriptor->host->access() == Access::kReadOnly;
    return read_only || descriptor->kind == Kind::kInputFile ? Errno::kRofs : Errno::kNotcapable;
  }
  if (!descriptor->is_host()) return Errno::kSuccess;  // the input in memory has nothing to write back or to read ahead
  return off_shard(
      [file = descriptor->host, system] { return system(file->fd()) == 0 ? Errno::kSuccess : errno_of_host(errno); });
}

std::optional<int> host_advice(uint32_t given) {
  switch (given) {
    case advice::kNormal: return POSIX_FADV_NORMAL;
    case advice::kSequential: return POSIX_FADV_SEQUENTIAL;
    case advice::kRandom: return POSIX_FADV_RANDOM;
    case advice::kWillneed: return POSIX_FADV_WILLNEED;
    case advice::kDontneed: return POSIX_FADV_DONTNEED;
    case advice::kNoreuse: return POSIX_FADV_NOREUSE;
    default: return std::nullopt;
  }
}

bool is_file_size(uint64_t size) { return size <= static_cast<uint64_t>(std::numeric_limits<off_t>::max()); }

}  // namespace

Outcome fd_advise(Guest& guest, GuestMemory, Args args) {
  std::optional<int> host = host_advice(args.u32(3));
  if (!host || !is_file_size(args.u64(1)) || !is_file_size(args.u64(2))) return Errno::kInval;
  auto offset = static_cast<off_t>(args.u64(1)), length = static_cast<off_t>(args.u64(2));
  return on_host_file(guest, args.u32(0), rights::kFdAdvise, [offset, length, advised = *host](int fd) {
    return errno = ::posix_fadvise(fd, offset, length, advised);  // it returns its error
  });
}

Outcome fd_allocate(Guest& guest, GuestMemory, Args args) {
  if (!is_file_size(args.u64(1)) || !is_file_size(args.u64(2))) return Errno::kFbig;
  auto offset = static_cast<off_t>(args.u64(1)), length = static_cast<off_t>(args.u64(2));
  return on_host_file(guest, args.u32(0), rights::kFdAllocate,
                      [offset, length](int fd) { return ::fallocate(fd, 0, offset, length); });
}

Outcome fd_datasync(Guest& guest, GuestMemory, Args args) {
  return on_host_file(guest, args.u32(0), rights::kFdDatasync, [](int fd) { return ::fdatasync(fd); });
}

Outcome fd_sync(Guest& guest, GuestMemory, Args args) {
  return on_host_file(guest, args.u32(0), rights::kFdSync, [](int fd) { return ::fsync(fd); });
}

Outcome fd_filestat_set_size(Guest& guest, GuestMemory, Args args) {
  if (!is_file_size(args.u64(1))) return Errno::kFbig;
  auto size = static_cast<off_t>(args.u64(1));
  return on_host_file(guest, args.u32(0), rights::kFdFilestatSetSize, [size](int fd) { return ::ftruncate(fd, size); });
}

Outcome fd_filestat_set_times(Guest& guest, GuestMemory, Args args) {
  auto times = file_times(args.u64(1), args.u64(2), args.u32(3));
  if (!times) return times.error();
  return on_host_file(guest, args.u32(0), rights::kFdFilestatSetTimes,
                      [times = *times](int fd) { return ::futimens(fd, times.data()); });
}

Outcome fd_filestat_get(Guest& guest, GuestMemory memory, Args args) {
  GuestPointer at = args.u32(1);
  const Descriptor* descriptor = guest.fds().find(args.u32(0));
  if (descriptor == nullptr) return Errno::kBadf;
  if (!descriptor->may(rights::kFdFilestatGet)) return Errno::kNotcapable;
  if (memory.at(at, filestat::kSize) == nullptr) return Errno::kFault;
  if (descriptor->is_host())
    return off_shard([file = descriptor->host] { return stat_host(file->fd()); },
                     [at](Guest&, GuestMemory then, const OrErrno<Filestat>& stat) {
                       return stat ? write_filestat(then, at, *stat) : stat.error();
                     });
  if (descriptor->kind == Kind::kInputDirectory) return write_filestat(memory, at, input_directory_stat());
  if (descriptor->kind != Kind::kInputFile) return write_filestat(memory, at, Filestat{});
  return with_input_file(guest, memory, [at](Guest& later, GuestMemory then) {
    return write_filestat(then, at, input_file_stat(later.input().size()));
  });
}

}  // namespace fiso::wasm::wasi::calls
