// A file or directory of the host that a guest has open, and whether it may change anything through it.
//
// Immutable and shared: a blocking call keeps it alive on its thread even when the guest is gone.
#pragma once

#include <memory>
#include <utility>

#include "base/file_handle.h"

namespace fiso::wasm::wasi {

enum class Access { kReadWrite, kReadOnly };

class HostFile {
 public:
  HostFile(FileHandle handle, Access access) : handle_(std::move(handle)), access_(access) {}

  int fd() const { return handle_.get(); }
  // Of the preopen it was reached through, not the mode it was opened in.
  Access access() const { return access_; }

 private:
  FileHandle handle_;
  Access access_;
};

using HostFileRef = std::shared_ptr<const HostFile>;

}  // namespace fiso::wasm::wasi
