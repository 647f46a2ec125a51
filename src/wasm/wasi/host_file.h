// A file or directory of the host that a guest has open, and whether it may change anything through it.
//
// Immutable and shared: a blocking call keeps it alive on its thread even when the guest is gone.
#pragma once

#include <memory>
#include <utility>

#include "base/file_handle.h"

namespace fiso::wasm::wasi {

enum class Access { kReadWrite, kReadOnly };

class HostFile;
using HostFileRef = std::shared_ptr<const HostFile>;

class HostFile {
 public:
  HostFile(FileHandle handle, Access access, HostFileRef root = nullptr)
      : handle_(std::move(handle)), access_(access), root_(std::move(root)) {}
  // Opened beneath `directory`, and so of the same preopen.
  static HostFileRef beneath(const HostFileRef& directory, FileHandle handle) {
    return std::make_shared<HostFile>(std::move(handle), directory->access(), directory->root_ ? directory->root_ : directory);
  }

  int fd() const { return handle_.get(); }
  // Of the preopen it was reached through, not the mode it was opened in.
  Access access() const { return access_; }
  // The directory of that preopen; itself for what is no file beneath one.
  int root() const { return root_ ? root_->fd() : fd(); }

 private:
  FileHandle handle_;
  Access access_;
  HostFileRef root_;
};

}  // namespace fiso::wasm::wasi
