// What fd_filestat_get and path_filestat_get tell, and the times that the two set_times functions take.
#pragma once

#include <sys/stat.h>
#include <time.h>

#include <array>

#include "wasm/wasi/guest_memory.h"
#include "wasm/wasi/sandbox_path.h"

namespace fiso::wasm::wasi {

struct Filestat {
  uint64_t device = 0;
  uint64_t inode = 0;
  Filetype type = Filetype::kUnknown;
  uint64_t links = 0;
  uint64_t size = 0;
  uint64_t accessed_ns = 0;
  uint64_t modified_ns = 0;
  uint64_t changed_ns = 0;
};

// The directory and the file of GuestOptions::stdin_file.
Filestat input_directory_stat();
Filestat input_file_stat(uint64_t size);

// May block. `fd` may have been opened with O_PATH.
OrErrno<Filestat> stat_host(int fd);

[[nodiscard]] Errno write_filestat(GuestMemory memory, GuestPointer at, const Filestat& stat);

// Access and modification time for utimensat(2).
using FileTimes = std::array<timespec, 2>;

// kInval for flags that contradict each other and for times that do not fit.
OrErrno<FileTimes> file_times(uint64_t accessed_ns, uint64_t modified_ns, uint32_t flags);

}  // namespace fiso::wasm::wasi
