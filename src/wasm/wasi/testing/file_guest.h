// A FakeGuest with directories of the host, and the path functions in words.
#pragma once

#include "wasm/wasi/testing/fake_guest.h"
#include "wasm/wasi/testing/scratch_directory.h"

namespace fiso::wasm::wasi::testing {

class FileGuest : public FakeGuest {
 public:
  using FakeGuest::FakeGuest;

  static constexpr Rights kRead = rights::kFdRead;
  static constexpr Rights kReadWrite = rights::kFdRead | rights::kFdWrite;

  Errno create(Fd directory, std::string_view path, Fd* opened = nullptr) {
    return open_path(directory, path, {.rights = kReadWrite, .oflags = oflags::kCreat}, opened);
  }
  Errno unlink(Fd directory, std::string_view path) { return on_path("path_unlink_file", directory, path); }
  Errno make_directory(Fd directory, std::string_view path) { return on_path("path_create_directory", directory, path); }
  Errno remove_directory(Fd directory, std::string_view path) { return on_path("path_remove_directory", directory, path); }

  Errno rename(Fd from, std::string_view old_path, Fd to, std::string_view new_path) {
    return call("path_rename", {from, put(old_path), old_path.size(), to, put(new_path), new_path.size()});
  }
  Errno link(Fd from, std::string_view old_path, Fd to, std::string_view new_path, uint32_t lookup = 0) {
    return call("path_link", {from, lookup, put(old_path), old_path.size(), to, put(new_path), new_path.size()});
  }
  Errno symlink(std::string_view target, Fd directory, std::string_view path) {
    return call("path_symlink", {put(target), target.size(), directory, put(path), path.size()});
  }
  Read readlink(Fd directory, std::string_view path, uint32_t most = 256) {
    GuestPointer buffer = room(most), used = room(4);
    Errno error = call("path_readlink", {directory, put(path), path.size(), buffer, most, used});
    return {error, error == Errno::kSuccess ? text(buffer, get<uint32_t>(used)) : ""};
  }
  Errno stat_path(Fd directory, std::string_view path, GuestPointer at, uint32_t lookup = lookupflags::kSymlinkFollow) {
    return call("path_filestat_get", {directory, lookup, put(path), path.size(), at});
  }
  Errno touch(Fd directory, std::string_view path, uint64_t time_ns, uint32_t lookup = lookupflags::kSymlinkFollow) {
    return call("path_filestat_set_times",
                {directory, lookup, put(path), path.size(), time_ns, time_ns, fstflags::kAtim | fstflags::kMtim});
  }
  Errno seek(Fd fd, int64_t offset, uint32_t from, uint64_t* position = nullptr) {
    GuestPointer at = room(8);
    Errno error = call("fd_seek", {fd, static_cast<uint64_t>(offset), from, at});
    if (position != nullptr && error == Errno::kSuccess) *position = get<uint64_t>(at);
    return error;
  }
  Read pread(Fd fd, uint32_t most, uint64_t offset) {
    GuestPointer buffer = room(most), count = room(4);
    Errno error = call("fd_pread", {fd, vectors({{buffer, most}}), 1, offset, count});
    return {error, error == Errno::kSuccess ? text(buffer, get<uint32_t>(count)) : ""};
  }

  // What a file holds, read whole through a descriptor of its own.
  Read read_path(Fd directory, std::string_view path) {
    Fd fd = 0;
    if (Errno error = open_path(directory, path, {}, &fd); error != Errno::kSuccess) return {error, ""};
    Read content = read(fd);
    (void)call("fd_close", {fd});
    return content;
  }

 private:
  Errno on_path(std::string_view name, Fd directory, std::string_view path) {
    return call(name, {directory, put(path), path.size()});
  }
};

}  // namespace fiso::wasm::wasi::testing
