#include "config/file_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/file_handle.h"

namespace fiso::config {
namespace {

Error unreadable(std::string why) { return {ErrorCode::kInvalidConfig, std::move(why)}; }

}  // namespace

Result<std::string> read_file_text(const std::string& file) {
  FileHandle handle(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status;
  if (!handle) {
    int failed = errno;
    bool dangling = failed == ENOENT && lstat(file.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
    return unreadable(dangling ? "it is a link that leads nowhere" : errno_text(failed));
  }
  if (fstat(handle.get(), &status) != 0) return unreadable(errno_text(errno));
  if (S_ISDIR(status.st_mode)) return unreadable("it is a directory");
  if (!S_ISREG(status.st_mode)) return unreadable("it is not a regular file");
  std::string text;
  std::array<char, 16384> piece;
  for (;;) {
    ssize_t got = ::read(handle.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(errno_text(errno));
    if (got == 0) return text;
    text.append(piece.data(), static_cast<size_t>(got));
  }
}

ConfigError nothing_in(const std::string& file) { return {file, 1, 1, "", "there is nothing in this file"}; }

}  // namespace fiso::config
