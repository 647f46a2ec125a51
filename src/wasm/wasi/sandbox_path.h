// Paths that a guest names, resolved by the kernel so that they cannot leave the directory they start from.
//
// Every walk is one openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS: `..`, absolute paths and symbolic links that
// lead out are refused while they are followed, so no rename that happens meanwhile can open a gap between a check and its
// use. What changes a directory opens the parent this way and then uses only the last component. These calls may block.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "base/file_handle.h"
#include "wasm/wasi/abi.h"
#include "wasm/wasi/guest_memory.h"

namespace fiso::wasm::wasi {

template <class T>
using OrErrno = tl::expected<T, Errno>;

// A path argument: kFault outside of memory, kNoent when empty, kNametoolong, kInval with a NUL inside.
OrErrno<std::string> path_argument(GuestMemory memory, GuestPointer pointer, uint32_t length);

// Opens `path` beneath `directory` with open(2)'s flags; kPerm for a path that would leave it.
OrErrno<FileHandle> open_beneath(int directory, const std::string& path, int flags, mode_t mode = 0);

// A place in a directory, which need not exist: for the *at functions, which do not follow a link in `name`.
struct DirectoryEntry {
  FileHandle parent;
  std::string name;  // one component; keeps a trailing slash, which tells the kernel that it has to be a directory
  bool wants_directory() const { return name.ends_with('/'); }
};

// kInval where the last component is `.` or `..`.
OrErrno<DirectoryEntry> open_parent(int directory, const std::string& path);

// False on kernels without openat2(2), and where a sandbox of the host forbids it.
bool can_resolve_beneath();

}  // namespace fiso::wasm::wasi
