// A folder for files that are needed for a moment; it goes with the object.
#pragma once

#include <fcntl.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "base/file_handle.h"
#include "base/result.h"

namespace fiso::program {

class ScratchFolder {
 public:
  static Result<ScratchFolder> make() {
    std::error_code failed;
    std::string path = (std::filesystem::temp_directory_path(failed) / "fiso-XXXXXX").string();
    if (failed || mkdtemp(path.data()) == nullptr)
      return Error(ErrorCode::kUnavailable, failed ? failed.message() : errno_text(errno))
          .with_context("a folder for temporary files");
    return ScratchFolder(std::move(path));
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  // The file `name` in it, with this content.
  Result<std::string> write(const std::string& name, std::span<const uint8_t> bytes) const {
    std::string path = path_ + "/" + name;
    FileHandle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!file || !write_all(file.get(), bytes)) return Error(ErrorCode::kUnavailable, errno_text(errno)).with_context(path);
    return path;
  }
  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace fiso::program
