// Compiled modules on disk, so that a module is compiled once per machine and not once per start.
//
// An artifact is native code, and running one is trusting who wrote it. So the directory must belong to this user and be
// closed to all others (made with mode 0700), a file must be the same, and the SHA-256 over its key and its bytes must be what
// stands beside it; otherwise it counts as absent and is compiled again. Only the parent process writes here, never the one
// that compiled. An entry appears atomically (written aside, then renamed). A cache that cannot be used is a warning, not an
// error.
// Threading: control thread; several processes may share a directory.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/file_handle.h"
#include "base/result.h"

namespace fiso::wasm {

class ArtifactCache {
 public:
  // Makes the directory if it is missing. An error tells why it is not used.
  static Result<ArtifactCache> open(const std::string& directory);

  // FISO_CACHE_DIR, else the user's cache directory; empty if there is neither that nor a home.
  static std::string default_directory();

  // The name of an entry: SHA-256 over the module's bytes and everything else that shapes its code.
  static std::string key(std::span<const uint8_t> module, std::string_view fingerprint);

  // An open, verified artifact, or nothing.
  std::optional<FileHandle> find(const std::string& key) const;
  Result<> store(const std::string& key, std::span<const uint8_t> artifact) const;

 private:
  ArtifactCache(std::string path, FileHandle directory) : path_(std::move(path)), directory_(std::move(directory)) {}
  Result<> write_entry(const std::string& name, std::span<const uint8_t> bytes) const;

  std::string path_;
  FileHandle directory_;
};

}  // namespace fiso::wasm
