#include "wasm/wasi/filestat.h"

#include <cerrno>
#include <limits>

namespace fiso::wasm::wasi {
namespace {

uint64_t nanoseconds(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

OrErrno<timespec> file_time(uint64_t time_ns, bool set, bool set_now) {
  if (set && set_now) return tl::unexpected(Errno::kInval);
  if (set_now) return timespec{.tv_sec = 0, .tv_nsec = UTIME_NOW};
  if (!set) return timespec{.tv_sec = 0, .tv_nsec = UTIME_OMIT};
  if (time_ns > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return tl::unexpected(Errno::kInval);
  return timespec{.tv_sec = static_cast<time_t>(time_ns / 1'000'000'000), .tv_nsec = static_cast<long>(time_ns % 1'000'000'000)};
}

}  // namespace

Filestat input_directory_stat() { return {.inode = 1, .type = Filetype::kDirectory, .links = 1}; }

Filestat input_file_stat(uint64_t size) { return {.inode = 2, .type = Filetype::kRegularFile, .links = 1, .size = size}; }

OrErrno<Filestat> stat_host(int fd) {
  struct stat host;
  if (::fstat(fd, &host) != 0) return tl::unexpected(errno_of_host(errno));
  return Filestat{.device = host.st_dev,
                  .inode = host.st_ino,
                  .type = filetype_of_mode(host.st_mode),
                  .links = host.st_nlink,
                  .size = static_cast<uint64_t>(host.st_size),
                  .accessed_ns = nanoseconds(host.st_atim),
                  .modified_ns = nanoseconds(host.st_mtim),
                  .changed_ns = nanoseconds(host.st_ctim)};
}

Errno write_filestat(GuestMemory memory, GuestPointer at, const Filestat& stat) {
  uint8_t* bytes = memory.at(at, filestat::kSize);
  if (bytes == nullptr) return Errno::kFault;
  std::memset(bytes, 0, filestat::kSize);
  uint64_t start = at;
  bool written =
      memory.write(start + filestat::kDev, stat.device) && memory.write(start + filestat::kIno, stat.inode) &&
      memory.write(start + filestat::kFiletype, stat.type) && memory.write(start + filestat::kNlink, stat.links) &&
      memory.write(start + filestat::kFileSize, stat.size) && memory.write(start + filestat::kAtim, stat.accessed_ns) &&
      memory.write(start + filestat::kMtim, stat.modified_ns) && memory.write(start + filestat::kCtim, stat.changed_ns);
  return written ? Errno::kSuccess : Errno::kFault;
}

OrErrno<FileTimes> file_times(uint64_t accessed_ns, uint64_t modified_ns, uint32_t flags) {
  if ((flags & ~uint32_t{fstflags::kAll}) != 0) return tl::unexpected(Errno::kInval);
  auto accessed = file_time(accessed_ns, (flags & fstflags::kAtim) != 0, (flags & fstflags::kAtimNow) != 0);
  if (!accessed) return tl::unexpected(accessed.error());
  auto modified = file_time(modified_ns, (flags & fstflags::kMtim) != 0, (flags & fstflags::kMtimNow) != 0);
  if (!modified) return tl::unexpected(modified.error());
  return FileTimes{*accessed, *modified};
}

}  // namespace fiso::wasm::wasi
