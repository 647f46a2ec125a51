#include "base/file_handle.h"

#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace fiso {

Result<MappedFile> MappedFile::map(const FileHandle& file) {
  struct stat status;
  if (fstat(file.get(), &status) != 0) return Error(ErrorCode::kInternal, errno_text(errno));
  auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return MappedFile({});
  void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) return Error(ErrorCode::kInternal, errno_text(errno));
  return MappedFile(std::span(static_cast<const uint8_t*>(address), size));
}

bool write_all(int fd, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return true;
}

std::string errno_text(int error_number) { return std::generic_category().message(error_number); }

}  // namespace fiso
