#include "wasm/artifact_cache.h"

#include <fcntl.h>
// The one-purpose interface: the general one (EVP) loads OpenSSL's providers and configuration, which costs every start a
// millisecond and 2 MB for one hash.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/check.h"

namespace fiso::wasm {
namespace {

using Digest = std::array<uint8_t, 32>;

Digest sha256(std::initializer_list<std::span<const uint8_t>> parts) {
  Digest digest;
  SHA256_CTX context;
  bool ok = SHA256_Init(&context) == 1;
  for (auto part : parts) ok = ok && SHA256_Update(&context, part.data(), part.size()) == 1;
  ok = ok && SHA256_Final(digest.data(), &context) == 1;
  FISO_CHECK(ok, "SHA-256");
  return digest;
}

std::span<const uint8_t> as_bytes(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

std::string hex(const Digest& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// Over the entry's name too, so that one entry's files are no other's.
std::string sum_of(std::string_view key, std::span<const uint8_t> artifact) {
  return hex(sha256({as_bytes(key), as_bytes("\n"), artifact}));
}

// Ours, and nobody else may write it.
bool is_private(const struct stat& status) { return status.st_uid == geteuid() && (status.st_mode & 022) == 0; }

Error unusable(std::string why, const std::string& directory) {
  return Error(ErrorCode::kRejected, std::move(why)).with_context("module cache " + directory);
}

}  // namespace

Result<ArtifactCache> ArtifactCache::open(const std::string& directory) {
  if (directory.empty()) return unusable("no directory: set FISO_CACHE_DIR", "(none)");
  std::error_code failed;
  if (auto parent = std::filesystem::path(directory).parent_path(); !parent.empty())
    std::filesystem::create_directories(parent, failed);
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return unusable(errno_text(errno), directory);
  FileHandle handle(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  int opening = errno;
  struct stat status;
  if (!handle && lstat(directory.c_str(), &status) == 0 && S_ISLNK(status.st_mode))
    return unusable("it is a symbolic link, which is not followed: name the directory itself", directory);
  if (!handle) return unusable(errno_text(opening), directory);
  if (fstat(handle.get(), &status) != 0) return unusable(errno_text(errno), directory);
  if (!is_private(status)) return unusable("it must belong to this user and be writable by nobody else", directory);
  return ArtifactCache(directory, std::move(handle));
}

std::string ArtifactCache::default_directory() {
  if (const char* directory = std::getenv("FISO_CACHE_DIR"); directory != nullptr && *directory != '\0') return directory;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/')
    return std::string(cache) + "/fiso/modules";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') return std::string(home) + "/.cache/fiso/modules";
  return "";
}

std::string ArtifactCache::key(std::span<const uint8_t> module, std::string_view fingerprint) {
  return hex(sha256({as_bytes(fingerprint), as_bytes("\n"), module}));
}

std::optional<FileHandle> ArtifactCache::find(const std::string& key) const {
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;  // the last: a FIFO must not hold us up
  FileHandle artifact(openat(directory_.get(), (key + ".artifact").c_str(), kFlags));
  FileHandle sum(openat(directory_.get(), (key + ".sha256").c_str(), kFlags));
  struct stat artifact_status, sum_status;
  if (!artifact || !sum || fstat(artifact.get(), &artifact_status) != 0 || fstat(sum.get(), &sum_status) != 0)
    return std::nullopt;
  if (!is_private(artifact_status) || !is_private(sum_status)) return std::nullopt;
  auto bytes = MappedFile::map(artifact), expected = MappedFile::map(sum);
  if (!bytes.has_value() || !expected.has_value()) return std::nullopt;
  std::string actual = sum_of(key, bytes->bytes());
  std::string_view recorded(reinterpret_cast<const char*>(expected->bytes().data()), expected->bytes().size());
  if (recorded != actual) return std::nullopt;
  return artifact;
}

Result<> ArtifactCache::store(const std::string& key, std::span<const uint8_t> artifact) const {
  // The sum first: an entry without its artifact is absent, one with a foreign artifact does not match.
  FISO_TRY_OK(write_entry(key + ".sha256", as_bytes(sum_of(key, artifact))));
  return write_entry(key + ".artifact", artifact);
}

Result<> ArtifactCache::write_entry(const std::string& name, std::span<const uint8_t> bytes) const {
  std::string aside = name + "." + std::to_string(getpid()) + ".new";
  FileHandle file(openat(directory_.get(), aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file || !write_all(file.get(), bytes) || fsync(file.get()) != 0 ||
      renameat(directory_.get(), aside.c_str(), directory_.get(), name.c_str()) != 0) {
    Error error = unusable(errno_text(errno), path_);
    unlinkat(directory_.get(), aside.c_str(), 0);
    return error;
  }
  return {};
}

}  // namespace fiso::wasm
