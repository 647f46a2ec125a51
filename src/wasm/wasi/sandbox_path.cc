#include "wasm/wasi/sandbox_path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

namespace fiso::wasm::wasi {
namespace {

// The kernel gives up with EAGAIN when something was renamed while it followed a `..`.
constexpr int kMostAttempts = 64;

int openat2_beneath(int directory, const char* path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    long fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));
    if (fd >= 0) return static_cast<int>(fd);
    bool again = errno == EINTR || errno == EAGAIN;
    if (!again || attempt == kMostAttempts) return -1;
  }
}

}  // namespace

OrErrno<std::string> path_argument(GuestMemory memory, GuestPointer pointer, uint32_t length) {
  auto path = memory.view(pointer, length);
  if (!path) return tl::unexpected(Errno::kFault);
  if (path->empty()) return tl::unexpected(Errno::kNoent);
  if (path->size() >= PATH_MAX) return tl::unexpected(Errno::kNametoolong);
  if (path->find('\0') != std::string_view::npos) return tl::unexpected(Errno::kInval);
  return std::string(*path);
}

OrErrno<FileHandle> open_beneath(int directory, const std::string& path, int flags, mode_t mode) {
  int fd = openat2_beneath(directory, path.c_str(), flags, mode);
  if (fd >= 0) return FileHandle(fd);
  return tl::unexpected(errno == EXDEV ? Errno::kPerm : errno_of_host(errno));
}

OrErrno<DirectoryEntry> open_parent(int directory, const std::string& path) {
  std::string_view rest = path;
  bool trailing_slash = rest.ends_with('/');
  while (rest.size() > 1 && rest.ends_with('/')) rest.remove_suffix(1);
  size_t slash = rest.rfind('/');
  std::string parent(slash == std::string_view::npos ? "." : rest.substr(0, slash + 1));
  std::string name(slash == std::string_view::npos ? rest : rest.substr(slash + 1));
  auto handle = open_beneath(directory, parent, O_PATH | O_DIRECTORY);
  if (!handle) return tl::unexpected(handle.error());
  if (name.empty() || name == "." || name == "..") return tl::unexpected(Errno::kInval);
  if (trailing_slash) name += '/';
  return DirectoryEntry{std::move(*handle), std::move(name)};
}

bool can_resolve_beneath() { return open_beneath(AT_FDCWD, ".", O_PATH | O_DIRECTORY).has_value(); }

}  // namespace fiso::wasm::wasi
