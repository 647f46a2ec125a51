#include "wasm/wasi/guest_links.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

namespace fiso::wasm::wasi {
namespace {

// A path has no more components than this, so nothing that a guest reached lies deeper.
constexpr size_t kDeepest = PATH_MAX / 2;

bool same(const struct stat& one, const struct stat& other) { return one.st_dev == other.st_dev && one.st_ino == other.st_ino; }

// How many directories `directory` is below `root`, 0 for root itself; nothing if it is not beneath it, or not any more.
std::optional<size_t> depth_beneath(int root, int directory) {
  struct stat top, here, above;
  FileHandle at(::openat(directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!at || ::fstat(root, &top) != 0 || ::fstat(at.get(), &here) != 0) return std::nullopt;
  for (size_t depth = 0; depth < kDeepest; ++depth) {
    if (same(here, top)) return depth;
    at = FileHandle(::openat(at.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!at || ::fstat(at.get(), &above) != 0 || same(above, here)) return std::nullopt;
    here = above;
  }
  return std::nullopt;
}

// Looks through a tree for links that climb higher than the depth it is to have.
class Search {
 public:
  // Of a link `name` in `parent`, which will be `depth` deep.
  Errno judge_link(int parent, const char* name, size_t depth) {
    std::array<char, PATH_MAX> target;
    ssize_t length = ::readlinkat(parent, name, target.data(), target.size());
    if (length < 0) return Errno::kSuccess;  // gone
    std::optional<size_t> climb = link_climb({target.data(), static_cast<size_t>(length)});
    return climb && *climb > depth ? Errno::kPerm : Errno::kSuccess;  // no guest has made one that cannot be counted
  }

  // Of everything in the directory `name`, which will be `depth` deep itself.
  Errno judge_directory(int parent, const char* name, size_t depth, size_t levels) {
    int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? Errno::kSuccess : Errno::kXdev;
    std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(fd), ::closedir);
    if (!entries) return ::close(fd), Errno::kXdev;
    while (const struct dirent* entry = ::readdir(entries.get())) {
      std::string_view called = entry->d_name;
      if (called == "." || called == "..") continue;
      if (seen_++ == kMostEntriesToMove) return Errno::kXdev;
      Errno judged = judge_entry(fd, entry->d_name, depth, levels);
      if (judged != Errno::kSuccess) return judged;
    }
    return Errno::kSuccess;
  }

 private:
  Errno judge_entry(int directory, const char* name, size_t depth, size_t levels) {
    struct stat status;
    if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return Errno::kSuccess;  // gone
    if (S_ISLNK(status.st_mode)) return judge_link(directory, name, depth);
    if (!S_ISDIR(status.st_mode)) return Errno::kSuccess;
    if (levels == 0) return Errno::kXdev;
    return judge_directory(directory, name, depth + 1, levels - 1);
  }

  size_t seen_ = 0;
};

}  // namespace

std::optional<size_t> link_climb(std::string_view target) {
  if (target.starts_with('/')) return std::nullopt;
  size_t climb = 0;
  bool named = false;
  while (!target.empty()) {
    size_t slash = target.find('/');
    std::string_view part = target.substr(0, slash);
    target.remove_prefix(slash == std::string_view::npos ? target.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part != "..")
      named = true;
    else if (named)
      return std::nullopt;
    else
      ++climb;
  }
  return climb;
}

bool may_make_link(const HostFile& base, int parent, std::string_view target) {
  std::optional<size_t> climb = link_climb(target);
  if (!climb) return false;
  if (*climb == 0) return true;
  std::optional<size_t> depth = depth_beneath(base.root(), parent);
  return depth && *climb <= *depth;
}

Errno may_move(const HostFile& from, const DirectoryEntry& source, const HostFile& to, const DirectoryEntry& target) {
  std::string name = source.name.substr(0, source.name.find('/'));
  struct stat status;
  if (::fstatat(source.parent.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return Errno::kSuccess;  // it will fail
  if (!S_ISLNK(status.st_mode) && !S_ISDIR(status.st_mode)) return Errno::kSuccess;
  std::optional<size_t> before = depth_beneath(from.root(), source.parent.get());
  size_t after = depth_beneath(to.root(), target.parent.get()).value_or(0);
  if (before && after >= *before) return Errno::kSuccess;
  Search search;
  if (S_ISLNK(status.st_mode)) return search.judge_link(source.parent.get(), name.c_str(), after);
  return search.judge_directory(source.parent.get(), name.c_str(), after + 1, kDeepestToMove);
}

}  // namespace fiso::wasm::wasi
