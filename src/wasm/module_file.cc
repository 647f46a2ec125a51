#include "wasm/module_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace fiso::wasm {
namespace {

constexpr Bytes kLargestModule = 256_MiB;

Error inaccessible(const std::string& path, std::string_view why) {
  return Error(ErrorCode::kNotFound, "module path not accessible: " + path + " (" + std::string(why) + ")");
}

Result<FileHandle> open_file(const std::string& path) {
  // O_NONBLOCK: a FIFO must not hold us up.
  FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return inaccessible(path, errno_text(errno));
  struct stat status;
  if (fstat(file.get(), &status) != 0) return inaccessible(path, errno_text(errno));
  if (S_ISDIR(status.st_mode)) return inaccessible(path, "it is a directory");
  if (!S_ISREG(status.st_mode)) return inaccessible(path, "it is not a regular file");
  if (static_cast<uint64_t>(status.st_size) > kLargestModule.count)
    return unusable_module(path, "it is larger than " + format_bytes(kLargestModule));
  return file;
}

// The first eight bytes of a binary: "\0asm", then version 1 for a core module; a component has layer 1.
Result<> check_header(const std::string& path, std::span<const uint8_t> bytes) {
  constexpr std::array<uint8_t, 4> kMagic{0, 'a', 's', 'm'};
  constexpr std::array<uint8_t, 4> kCore{1, 0, 0, 0};
  if (bytes.size() < 8 || !std::equal(kMagic.begin(), kMagic.end(), bytes.begin()))
    return unusable_module(path, "it is not a WebAssembly binary");
  if (bytes[6] == 1) return unusable_module(path, "it is a WebAssembly component; build a core module (target wasm32-wasip1)");
  if (!std::equal(kCore.begin(), kCore.end(), bytes.begin() + 4))
    return unusable_module(path, "its WebAssembly version is not 1");
  return {};
}

}  // namespace

Error unusable_module(const std::string& path, std::string_view why) {
  return Error(ErrorCode::kInvalidConfig, "module " + path + " cannot be used: " + std::string(why));
}

Result<ModuleFile> ModuleFile::open(const std::string& path) {
  FISO_TRY(FileHandle file, open_file(path));
  FISO_TRY(MappedFile mapped, MappedFile::map(file));
  FISO_TRY_OK(check_header(path, mapped.bytes()));
  return ModuleFile(std::move(mapped));
}

Result<> check_module_file(const std::string& path) {
  FISO_TRY_OK(ModuleFile::open(path));
  return {};
}

bool ModuleFile::knows_stdin_file() const {
  constexpr std::string_view kFlag = "--stdin-file";
  return memmem(bytes().data(), bytes().size(), kFlag.data(), kFlag.size()) != nullptr;
}

}  // namespace fiso::wasm
