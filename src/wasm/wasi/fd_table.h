// A guest's file descriptors: small numbers, the lowest free one is taken next, never more than the limit.
//
// Shard-local. 0, 1 and 2 are entries like all others: a guest may close or replace them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "wasm/wasi/abi.h"
#include "wasm/wasi/host_file.h"

namespace fiso::wasm::wasi {

struct Descriptor {
  enum class Kind : uint8_t {
    kNone,  // closed
    kStdin,
    kStdout,
    kStderr,
    kStream,          // stdin, stdout or stderr of the host, passed through
    kFile,            // of the host
    kDirectory,       // of the host
    kListener,        // accepts connections
    kSocket,          // a connection
    kInputFile,       // the input as a file, in memory
    kInputDirectory,  // the directory that file is in
  };

  Kind kind = Kind::kNone;
  uint16_t flags = 0;  // fdflags
  Rights rights = 0;
  Rights inheriting = 0;          // for what is opened through it
  HostFileRef host = nullptr;     // kStream, kFile, kDirectory, kListener, kSocket
  uint64_t position = 0;          // kInputFile
  std::string_view preopen = {};  // the guest path of a preopened directory

  bool is_host() const { return host != nullptr; }
  bool is_socket() const { return kind == Kind::kListener || kind == Kind::kSocket; }
  bool may(Rights wanted) const { return (rights & wanted) == wanted; }
};

// What files and directories of the host may be used for at most.
Rights directory_rights(Access access);
Rights file_rights(Access access);

class FdTable {
 public:
  explicit FdTable(uint32_t most) : most_(most) {}

  // Null for a number that is not open. Valid until the table is changed.
  Descriptor* find(Fd fd) {
    if (fd >= entries_.size() || entries_[fd].kind == Descriptor::Kind::kNone) return nullptr;
    return &entries_[fd];
  }
  // Nothing when the limit is reached.
  std::optional<Fd> add(Descriptor descriptor);
  bool full() const { return open_ >= most_; }
  // Puts it there, open or not before, and gives back what was there; nothing for a number beyond the limit.
  std::optional<Descriptor> put(Fd fd, Descriptor descriptor);
  // Closes an open number and gives back what it was.
  Descriptor take(Fd fd);
  void reserve(size_t count) { entries_.reserve(count); }

 private:
  uint32_t most_;
  uint32_t open_ = 0;
  std::vector<Descriptor> entries_;
};

}  // namespace fiso::wasm::wasi
