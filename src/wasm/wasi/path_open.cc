// path_open: the only way to new files and directories.
#include <fcntl.h>
#include <sys/stat.h>

#include "wasm/wasi/calls.h"
#include "wasm/wasi/directory_access.h"

namespace fiso::wasm::wasi::calls {
namespace {

using Kind = Descriptor::Kind;

struct Request {
  std::string path;
  bool follow;
  uint16_t oflags;
  uint16_t fdflags;
  bool reads;
  bool writes;
  GuestPointer result;

  bool has(uint16_t oflag) const { return (oflags & oflag) != 0; }
  bool changes() const { return writes || has(oflags::kCreat) || has(oflags::kTrunc); }
};

// As elsewhere, only reading and writing are asked for by rights; what else a file allows depends on what it is.
OrErrno<Request> read_request(GuestMemory memory, Args args) {
  auto path = path_argument(memory, args.u32(2), args.u32(3));
  if (!path) return tl::unexpected(path.error());
  uint32_t oflags = args.u32(4), fdflags = args.u32(7);
  if ((oflags & ~uint32_t{oflags::kAll}) != 0 || (fdflags & ~uint32_t{fdflags::kAll}) != 0) return tl::unexpected(Errno::kInval);
  if ((oflags & oflags::kDirectory) != 0 && (oflags & (oflags::kCreat | oflags::kTrunc)) != 0)
    return tl::unexpected(Errno::kInval);
  if (memory.at(args.u32(8), sizeof(Fd)) == nullptr) return tl::unexpected(Errno::kFault);
  bool directory = (oflags & oflags::kDirectory) != 0;
  return Request{.path = std::move(*path),
                 .follow = (args.u32(1) & lookupflags::kSymlinkFollow) != 0,
                 .oflags = static_cast<uint16_t>(oflags),
                 .fdflags = static_cast<uint16_t>(fdflags),
                 .reads = (args.u64(5) & rights::kFdRead) != 0,
                 .writes = (args.u64(5) & rights::kFdWrite) != 0 && !directory,
                 .result = args.u32(8)};
}

Errno install(Guest& guest, GuestMemory memory, GuestPointer result, Descriptor descriptor) {
  if (memory.at(result, sizeof(Fd)) == nullptr) return Errno::kFault;
  std::optional<Fd> fd = guest.fds().add(std::move(descriptor));
  if (!fd) return Errno::kMfile;
  return memory.write(result, *fd) ? Errno::kSuccess : Errno::kFault;
}

// ---- files and directories of the host

struct Opened {
  FileHandle handle;
  bool directory = false;
};

bool allowed_mode(mode_t mode) { return S_ISREG(mode) || S_ISDIR(mode); }

int open_flags(const Request& request) {
  int flags = request.writes ? (request.reads ? O_RDWR : O_WRONLY) : O_RDONLY;
  if (request.has(oflags::kCreat)) flags |= O_CREAT;
  if (request.has(oflags::kDirectory)) flags |= O_DIRECTORY;
  if (request.has(oflags::kExcl)) flags |= O_EXCL;
  if (request.has(oflags::kTrunc)) flags |= O_TRUNC;
  if ((request.fdflags & fdflags::kAppend) != 0) flags |= O_APPEND;
  if ((request.fdflags & fdflags::kDsync) != 0) flags |= O_DSYNC;
  if ((request.fdflags & (fdflags::kSync | fdflags::kRsync)) != 0) flags |= O_SYNC;
  if (!request.follow) flags |= O_NOFOLLOW;
  return flags | O_NOCTTY | O_NONBLOCK;  // never waits for the other end of a FIFO
}

// Refuses FIFOs, devices and sockets before they are opened, since opening alone may have effects. Whatever takes the
// file's place before it is opened meets the same question again.
Errno probe(int directory, const Request& request) {
  auto found = open_beneath(directory, request.path, O_PATH | (request.follow ? 0 : O_NOFOLLOW));
  struct stat status;
  if (!found) return found.error() == Errno::kNoent && request.has(oflags::kCreat) ? Errno::kSuccess : found.error();
  if (::fstat(found->get(), &status) != 0) return Errno::kIo;
  if (S_ISLNK(status.st_mode)) return request.has(oflags::kExcl) ? Errno::kExist : Errno::kLoop;
  return allowed_mode(status.st_mode) ? Errno::kSuccess : Errno::kAcces;
}

OrErrno<Opened> open_host(int directory, const Request& request) {
  if (Errno error = probe(directory, request); error != Errno::kSuccess) return tl::unexpected(error);
  mode_t mode = request.has(oflags::kCreat) ? 0666 : 0;  // openat2 wants none otherwise
  auto handle = open_beneath(directory, request.path, open_flags(request), mode);
  if (!handle) return tl::unexpected(handle.error());
  struct stat status;
  if (::fstat(handle->get(), &status) != 0) return tl::unexpected(Errno::kIo);
  if (!allowed_mode(status.st_mode)) return tl::unexpected(Errno::kAcces);
  return Opened{.handle = std::move(*handle), .directory = S_ISDIR(status.st_mode)};
}

Descriptor describe(Opened opened, const Request& request, const HostFileRef& directory, Rights most) {
  Access access = directory->access();
  Descriptor descriptor{.kind = opened.directory ? Kind::kDirectory : Kind::kFile, .flags = request.fdflags};
  descriptor.rights = (opened.directory ? directory_rights(access) : file_rights(access)) & most;
  if (!opened.directory && !request.reads) descriptor.rights &= ~rights::kFdRead;
  if (!opened.directory && !request.writes)
    descriptor.rights &= ~(rights::kFdWrite | rights::kFdAllocate | rights::kFdFilestatSetSize);
  if (opened.directory) descriptor.inheriting = most;
  descriptor.host = HostFile::beneath(directory, std::move(opened.handle));
  return descriptor;
}

Outcome open_in_directory(const Descriptor& directory, Request request) {
  if (request.changes() && directory.host->access() == Access::kReadOnly) return Errno::kRofs;
  if (request.has(oflags::kCreat) && !directory.may(rights::kPathCreateFile)) return Errno::kNotcapable;
  if (request.has(oflags::kTrunc) && !directory.may(rights::kPathFilestatSetSize)) return Errno::kNotcapable;
  Rights most = directory.inheriting;
  if ((request.writes && (most & rights::kFdWrite) == 0) || (request.reads && (most & rights::kFdRead) == 0))
    return Errno::kNotcapable;
  return off_shard([host = directory.host, request] { return open_host(host->fd(), request); },
                   [host = directory.host, request, most](Guest& guest, GuestMemory memory, OrErrno<Opened> opened) {
                     if (!opened) return opened.error();
                     return install(guest, memory, request.result, describe(std::move(*opened), request, host, most));
                   });
}

// ---- the input as a file

Errno open_input(Guest& guest, GuestMemory memory, InputPath path, const Request& request) {
  bool directory = path == InputPath::kDirectory;
  if (request.changes() || (directory && request.has(oflags::kExcl))) return Errno::kRofs;
  if (!directory && request.has(oflags::kDirectory)) return Errno::kNotdir;
  Descriptor descriptor{.kind = directory ? Kind::kInputDirectory : Kind::kInputFile, .flags = request.fdflags};
  descriptor.rights = directory ? directory_rights(Access::kReadOnly) : file_rights(Access::kReadOnly);
  if (directory) descriptor.inheriting = rights::kAll;
  return install(guest, memory, request.result, std::move(descriptor));
}

Outcome open_in_input_directory(Guest& guest, GuestMemory memory, const Request& request) {
  InputPath path = resolve_input_path(request.path);
  if (path == InputPath::kOutside) return Errno::kPerm;
  if (path == InputPath::kNothing) return request.has(oflags::kCreat) ? Errno::kRofs : Errno::kNoent;
  if (path == InputPath::kDirectory || guest.input().given()) return open_input(guest, memory, path, request);
  return when_input([path, request](Guest& later, GuestMemory then) { return open_input(later, then, path, request); });
}

}  // namespace

Outcome path_open(Guest& guest, GuestMemory memory, Args args) {
  auto directory = find_directory(guest, args.u32(0), rights::kPathOpen);
  if (!directory) return directory.error();
  auto request = read_request(memory, args);
  if (!request) return request.error();
  if (guest.fds().full()) return Errno::kMfile;
  if ((*directory)->is_host()) return open_in_directory(**directory, std::move(*request));
  return open_in_input_directory(guest, memory, *request);
}

}  // namespace fiso::wasm::wasi::calls
