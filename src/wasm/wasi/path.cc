// The path functions other than path_open. Each resolves its paths with sandbox_path.h, off the shard.
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "wasm/wasi/calls.h"
#include "wasm/wasi/directory_access.h"
#include "wasm/wasi/filestat.h"
#include "wasm/wasi/guest_links.h"
#include "wasm/wasi/input_file.h"

namespace fiso::wasm::wasi::calls {
namespace {

Errno result_of(int system) { return system == 0 ? Errno::kSuccess : errno_of_host(errno); }

// Does `system(parent, name)` where `path` leads to; `dots` is the answer for a path that ends in `.` or `..`.
template <class System>
Errno at_entry(int directory, const std::string& path, Errno dots, System system) {
  auto entry = open_parent(directory, path);
  if (!entry) return entry.error() == Errno::kInval ? dots : entry.error();
  return result_of(system(entry->parent.get(), entry->name.c_str()));
}

// The same for a function of (fd, path, length) that changes a directory of the host.
template <class System>
Outcome change_entry(Guest& guest, GuestMemory memory, Args args, Rights right, Errno dots, System system) {
  auto directory = find_host_directory(guest, args.u32(0), right);
  if (!directory) return directory.error();
  auto path = path_argument(memory, args.u32(1), args.u32(2));
  if (!path) return path.error();
  return off_shard(
      [host = *directory, path = std::move(*path), dots, system] { return at_entry(host->fd(), path, dots, system); });
}

// Two places at once: link and rename.
struct Move {
  HostFileRef from, to;
  std::string old_path, new_path;
};

// Both sides have to allow changes, so nothing of a read-only preopen becomes writable under another name.
OrErrno<Move> read_move(Guest& guest, GuestMemory memory, std::array<uint32_t, 6> args, Rights source, Rights target) {
  auto [from, old_path, old_length, to, new_path, new_length] = args;
  auto from_directory = find_host_directory(guest, from, source);
  if (!from_directory) return tl::unexpected(from_directory.error());
  auto to_directory = find_host_directory(guest, to, target);
  if (!to_directory) return tl::unexpected(to_directory.error());
  auto old_text = path_argument(memory, old_path, old_length);
  if (!old_text) return tl::unexpected(old_text.error());
  auto new_text = path_argument(memory, new_path, new_length);
  if (!new_text) return tl::unexpected(new_text.error());
  return Move{std::move(*from_directory), std::move(*to_directory), std::move(*old_text), std::move(*new_text)};
}

Errno link_host(const Move& move) {
  auto source = open_parent(move.from->fd(), move.old_path);
  if (!source) return source.error();
  // linkat(2) would follow a link with a slash behind it; directories cannot be linked anyway.
  if (source->wants_directory()) return Errno::kPerm;
  auto target = open_parent(move.to->fd(), move.new_path);
  if (!target) return target.error();
  if (Errno error = may_move(*move.from, *source, *move.to, *target); error != Errno::kSuccess) return error;
  return result_of(::linkat(source->parent.get(), source->name.c_str(), target->parent.get(), target->name.c_str(), 0));
}

Errno rename_host(const Move& move) {
  auto source = open_parent(move.from->fd(), move.old_path);
  if (!source) return source.error() == Errno::kInval ? Errno::kBusy : source.error();
  auto target = open_parent(move.to->fd(), move.new_path);
  if (!target) return target.error() == Errno::kInval ? Errno::kBusy : target.error();
  if (Errno error = may_move(*move.from, *source, *move.to, *target); error != Errno::kSuccess) return error;
  return result_of(::renameat(source->parent.get(), source->name.c_str(), target->parent.get(), target->name.c_str()));
}

int make_link(const HostFile& base, const std::string& target, int parent, const char* name) {
  if (may_make_link(base, parent, target)) return ::symlinkat(target.c_str(), parent, name);
  errno = EPERM;
  return -1;
}

int path_flags(uint32_t lookup) { return (lookup & lookupflags::kSymlinkFollow) != 0 ? O_PATH : O_PATH | O_NOFOLLOW; }

OrErrno<Filestat> stat_path(int directory, const std::string& path, int flags) {
  auto found = open_beneath(directory, path, flags);
  if (!found) return tl::unexpected(found.error());
  return stat_host(found->get());
}

Errno set_times_of_path(int directory, const std::string& path, int flags, const FileTimes& times) {
  auto found = open_beneath(directory, path, flags);
  if (!found) return found.error();
  return result_of(::utimensat(found->get(), "", times.data(), AT_EMPTY_PATH));
}

OrErrno<std::string> read_link(int directory, const std::string& path) {
  auto found = open_beneath(directory, path, O_PATH | O_NOFOLLOW);
  if (!found) return tl::unexpected(found.error());
  std::string target(PATH_MAX, '\0');
  ssize_t length = ::readlinkat(found->get(), "", target.data(), target.size());
  if (length < 0) return tl::unexpected(errno == ENOENT ? Errno::kInval : errno_of_host(errno));  // ENOENT: not a link
  target.resize(static_cast<size_t>(length));
  return target;
}

Outcome stat_input_path(Guest& guest, GuestMemory memory, const std::string& text, GuestPointer at) {
  InputPath path = resolve_input_path(text);
  if (path == InputPath::kDirectory) return write_filestat(memory, at, input_directory_stat());
  if (path != InputPath::kFile) return input_path_error(path);
  return with_input_file(guest, memory, [at](Guest& later, GuestMemory then) {
    return write_filestat(then, at, input_file_stat(later.input().size()));
  });
}

}  // namespace

Outcome path_create_directory(Guest& guest, GuestMemory memory, Args args) {
  return change_entry(guest, memory, args, rights::kPathCreateDirectory, Errno::kExist,
                      [](int parent, const char* name) { return ::mkdirat(parent, name, 0777); });
}

Outcome path_remove_directory(Guest& guest, GuestMemory memory, Args args) {
  return change_entry(guest, memory, args, rights::kPathRemoveDirectory, Errno::kInval,
                      [](int parent, const char* name) { return ::unlinkat(parent, name, AT_REMOVEDIR); });
}

Outcome path_unlink_file(Guest& guest, GuestMemory memory, Args args) {
  return change_entry(guest, memory, args, rights::kPathUnlinkFile, Errno::kIsdir,
                      [](int parent, const char* name) { return ::unlinkat(parent, name, 0); });
}

Outcome path_symlink(Guest& guest, GuestMemory memory, Args args) {
  auto directory = find_host_directory(guest, args.u32(2), rights::kPathSymlink);
  if (!directory) return directory.error();
  auto target = path_argument(memory, args.u32(0), args.u32(1));
  if (!target) return target.error();
  auto path = path_argument(memory, args.u32(3), args.u32(4));
  if (!path) return path.error();
  return off_shard([host = *directory, target = std::move(*target), path = std::move(*path)] {
    return at_entry(host->fd(), path, Errno::kExist,
                    [&](int parent, const char* name) { return make_link(*host, target, parent, name); });
  });
}

Outcome path_link(Guest& guest, GuestMemory memory, Args args) {
  if ((args.u32(1) & lookupflags::kSymlinkFollow) != 0) return Errno::kInval;  // a link is made to the name itself
  auto move = read_move(guest, memory, {args.u32(0), args.u32(2), args.u32(3), args.u32(4), args.u32(5), args.u32(6)},
                        rights::kPathLinkSource, rights::kPathLinkTarget);
  if (!move) return move.error();
  return off_shard([move = std::move(*move)] { return link_host(move); });
}

Outcome path_rename(Guest& guest, GuestMemory memory, Args args) {
  auto move = read_move(guest, memory, {args.u32(0), args.u32(1), args.u32(2), args.u32(3), args.u32(4), args.u32(5)},
                        rights::kPathRenameSource, rights::kPathRenameTarget);
  if (!move) return move.error();
  return off_shard([move = std::move(*move)] { return rename_host(move); });
}

Outcome path_filestat_get(Guest& guest, GuestMemory memory, Args args) {
  auto directory = find_directory(guest, args.u32(0), rights::kPathFilestatGet);
  if (!directory) return directory.error();
  auto path = path_argument(memory, args.u32(2), args.u32(3));
  if (!path) return path.error();
  GuestPointer at = args.u32(4);
  if (memory.at(at, filestat::kSize) == nullptr) return Errno::kFault;
  if (!(*directory)->is_host()) return stat_input_path(guest, memory, *path, at);
  return off_shard([host = (*directory)->host, path = std::move(*path),
                    flags = path_flags(args.u32(1))] { return stat_path(host->fd(), path, flags); },
                   [at](Guest&, GuestMemory then, const OrErrno<Filestat>& stat) {
                     return stat ? write_filestat(then, at, *stat) : stat.error();
                   });
}

Outcome path_filestat_set_times(Guest& guest, GuestMemory memory, Args args) {
  auto directory = find_host_directory(guest, args.u32(0), rights::kPathFilestatSetTimes);
  if (!directory) return directory.error();
  auto path = path_argument(memory, args.u32(2), args.u32(3));
  if (!path) return path.error();
  auto times = file_times(args.u64(4), args.u64(5), args.u32(6));
  if (!times) return times.error();
  return off_shard([host = *directory, path = std::move(*path), flags = path_flags(args.u32(1)), times = *times] {
    return set_times_of_path(host->fd(), path, flags, times);
  });
}

Outcome path_readlink(Guest& guest, GuestMemory memory, Args args) {
  auto directory = find_directory(guest, args.u32(0), rights::kPathReadlink);
  if (!directory) return directory.error();
  auto path = path_argument(memory, args.u32(1), args.u32(2));
  if (!path) return path.error();
  GuestPointer buffer = args.u32(3), used = args.u32(5);
  uint32_t length = args.u32(4);
  if (memory.at(buffer, length) == nullptr || memory.at(used, sizeof(uint32_t)) == nullptr) return Errno::kFault;
  if (!(*directory)->is_host()) {
    InputPath input = resolve_input_path(*path);
    return input == InputPath::kOutside || input == InputPath::kNothing ? input_path_error(input) : Errno::kInval;
  }
  return off_shard([host = (*directory)->host, path = std::move(*path)] { return read_link(host->fd(), path); },
                   [=](Guest&, GuestMemory then, const OrErrno<std::string>& target) {
                     if (!target) return target.error();
                     std::string_view text = std::string_view(*target).substr(0, length);
                     bool written = then.write(buffer, text) && then.write(used, static_cast<uint32_t>(text.size()));
                     return written ? Errno::kSuccess : Errno::kFault;
                   });
}

}  // namespace fiso::wasm::wasi::calls
