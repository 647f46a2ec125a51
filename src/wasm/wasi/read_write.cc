// fd_read, fd_write, fd_pread and fd_pwrite: stdio and the input in memory at once, files of the host off the shard.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>

#include "wasm/wasi/calls.h"
#include "wasm/wasi/host_stream.h"
#include "wasm/wasi/input_file.h"
#include "wasm/wasi/socket_io.h"
#include "wasm/wasi/transfer.h"

namespace fiso::wasm::wasi::calls {
namespace {

using Kind = Descriptor::Kind;
using Offset = std::optional<uint64_t>;  // none: the descriptor's own position

// What one call moves to or from a file, or looks at for stderr; a guest asks again for the rest, as with any short read.
constexpr uint64_t kMostAtOnce = 1u << 20;

// Fills the buffers in order from `next(to, length)`, which gives less than `length` at the end.
template <class Next>
Errno scatter(GuestMemory memory, const Transfer& transfer, Next next) {
  uint32_t done = 0;
  IoVectors vectors = transfer.vectors(memory);
  for (uint32_t i = 0; i < vectors.count(); ++i) {
    auto buffer = vectors[i];
    if (!buffer) break;  // the list itself was just overwritten
    size_t length = std::min<size_t>(buffer->size(), std::numeric_limits<uint32_t>::max() - done);
    size_t got = next(buffer->data(), length);
    done += static_cast<uint32_t>(got);
    if (got < buffer->size()) break;
  }
  return memory.write(transfer.result, done) ? Errno::kSuccess : Errno::kFault;
}

Errno read_stdin(Guest& guest, GuestMemory memory, const Transfer& transfer) {
  if (auto wanted = bytes_wanted(guest, memory, transfer); !wanted) return wanted.error();
  return scatter(memory, transfer, [&](uint8_t* to, size_t length) { return guest.input().read(to, length); });
}

Errno read_input_file(Guest& guest, GuestMemory memory, Fd fd, const Transfer& transfer, Offset offset) {
  Descriptor* file = guest.fds().find(fd);
  if (file == nullptr) return Errno::kBadf;
  if (auto wanted = bytes_wanted(guest, memory, transfer); !wanted) return wanted.error();
  uint64_t& position = offset ? *offset : file->position;
  return scatter(memory, transfer, [&](uint8_t* to, size_t length) {
    size_t got = guest.input().read_at(position, to, length);
    position += got;
    return got;
  });
}

struct FileBytes {
  std::unique_ptr<uint8_t[]> bytes;
  size_t count = 0;
  Errno error = Errno::kSuccess;
};

template <class System>
ssize_t without_interruption(System system) {
  ssize_t result;
  do result = system();
  while (result < 0 && errno == EINTR);
  return result;
}

FileBytes read_host(int fd, size_t length, Offset offset) {
  FileBytes got{.bytes = std::make_unique_for_overwrite<uint8_t[]>(length)};
  ssize_t count = without_interruption([&] {
    return offset ? ::pread(fd, got.bytes.get(), length, static_cast<off_t>(*offset)) : ::read(fd, got.bytes.get(), length);
  });
  if (count < 0) return {.error = errno_of_host(errno)};
  got.count = static_cast<size_t>(count);
  return got;
}

// Reads off the shard by `read(length)`.
template <class Read>
Outcome read_off_shard(Guest& guest, GuestMemory memory, const Transfer& transfer, Read read) {
  auto wanted = bytes_wanted(guest, memory, transfer);
  if (!wanted) return wanted.error();
  size_t length = std::min(*wanted, kMostAtOnce);
  return off_shard([length, read = std::move(read)] { return read(length); },
                   [transfer](Guest&, GuestMemory guest_memory, const FileBytes& got) {
                     if (got.error != Errno::kSuccess) return got.error;
                     size_t position = 0;
                     return scatter(guest_memory, transfer, [&](uint8_t* to, size_t room) {
                       size_t count = std::min(room, got.count - position);
                       std::memcpy(to, got.bytes.get() + position, count);
                       position += count;
                       return count;
                     });
                   });
}

Outcome read_file(Guest& guest, GuestMemory memory, const HostFileRef& file, const Transfer& transfer, Offset offset) {
  return read_off_shard(guest, memory, transfer, [file, offset](size_t length) { return read_host(file->fd(), length, offset); });
}

Outcome read_passed(Guest& guest, GuestMemory memory, const Descriptor& stream, const Transfer& transfer) {
  bool waits = (stream.flags & fdflags::kNonblock) == 0;
  if (!waits && stream_events(stream.host->fd(), POLLIN) == 0) return Errno::kAgain;
  auto read = [file = stream.host, stop = guest.config().stop()](size_t length) {
    FileBytes got{.bytes = std::make_unique_for_overwrite<uint8_t[]>(length)};
    if (length == 0) return got;
    StreamTransfer done = read_stream(file->fd(), got.bytes.get(), length, stop);
    got.count = done.count;
    got.error = done.error;
    return got;
  };
  return read_off_shard(guest, memory, transfer, std::move(read));
}

Outcome read_from(Guest& guest, GuestMemory memory, Fd fd, const Transfer& transfer, Offset offset) {
  Descriptor* descriptor = guest.fds().find(fd);
  if (descriptor == nullptr) return Errno::kBadf;
  if (descriptor->kind == Kind::kDirectory || descriptor->kind == Kind::kInputDirectory) return Errno::kIsdir;
  if (!descriptor->may(rights::kFdRead)) return Errno::kBadf;
  if (descriptor->kind == Kind::kFile) return read_file(guest, memory, descriptor->host, transfer, offset);
  if (descriptor->kind == Kind::kInputFile)
    return with_input_file(guest, memory,
                           [=](Guest& later, GuestMemory then) { return read_input_file(later, then, fd, transfer, offset); });
  if (offset) return Errno::kSpipe;
  if (descriptor->kind == Kind::kSocket) return receive(guest, memory, *descriptor, transfer, {});
  if (descriptor->kind == Kind::kStream) return read_passed(guest, memory, *descriptor, transfer);
  if (guest.has_input()) return read_stdin(guest, memory, transfer);
  // Such a guest has other work to do, and polls when it has not (Go's runtime does).
  if ((descriptor->flags & fdflags::kNonblock) != 0) return Errno::kAgain;
  return when_input([=](Guest& later, GuestMemory then) { return read_stdin(later, then, transfer); });
}

// Hands the guest's bytes, at most `most` of them, to `take(text)`.
template <class Take>
uint32_t gather(GuestMemory memory, const Transfer& transfer, uint64_t most, Take take) {
  uint64_t left = most;
  IoVectors vectors = transfer.vectors(memory);
  for (uint32_t i = 0; i < vectors.count() && left != 0; ++i) {
    auto buffer = vectors[i];
    if (!buffer) break;
    size_t count = std::min<uint64_t>(buffer->size(), left);
    take(std::string_view(reinterpret_cast<const char*>(buffer->data()), count));
    left -= count;
  }
  return static_cast<uint32_t>(most - left);
}

// Of a guest that lives on: its keeper has what it writes at once.
Errno write_to_keeper(LifeSink& keeper, Fd stream, GuestMemory memory, const Transfer& transfer, uint64_t wanted) {
  uint32_t done =
      gather(memory, transfer, std::min(wanted, kMostAtOnce), [&](std::string_view bytes) { keeper.wrote(stream, bytes); });
  return memory.write(transfer.result, done) ? Errno::kSuccess : Errno::kFault;
}

Errno write_stdout(Guest& guest, GuestMemory memory, const Transfer& transfer, uint64_t wanted) {
  if (guest.life() != nullptr) return write_to_keeper(*guest.life(), 1, memory, transfer, wanted);
  if (!guest.reserve_output(wanted)) return Errno::kNospc;
  uint32_t done = gather(memory, transfer, wanted, [&](std::string_view bytes) { guest.append_output(bytes); });
  return memory.write(transfer.result, done) ? Errno::kSuccess : Errno::kFault;
}

Errno write_stderr(Guest& guest, GuestMemory memory, const Transfer& transfer, uint64_t wanted) {
  if (guest.life() != nullptr) return write_to_keeper(*guest.life(), 2, memory, transfer, wanted);
  uint32_t done =
      gather(memory, transfer, std::min(wanted, kMostAtOnce), [&](std::string_view bytes) { guest.stderr_lines().write(bytes); });
  return memory.write(transfer.result, done) ? Errno::kSuccess : Errno::kFault;
}

struct Written {
  uint32_t count = 0;
  Errno error = Errno::kSuccess;
};

Written write_host(int fd, const std::string& bytes, Offset offset) {
  ssize_t count = without_interruption([&] {
    return offset ? ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(*offset))
                  : ::write(fd, bytes.data(), bytes.size());
  });
  if (count < 0) return {.error = errno_of_host(errno)};
  return {.count = static_cast<uint32_t>(count)};
}

// Writes off the shard by `write(bytes)`.
template <class Write>
Outcome write_off_shard(GuestMemory memory, const Transfer& transfer, uint64_t wanted, Write write) {
  std::string bytes;
  bytes.reserve(std::min(wanted, kMostAtOnce));
  gather(memory, transfer, std::min(wanted, kMostAtOnce), [&](std::string_view part) { bytes += part; });
  return off_shard([bytes = std::move(bytes), write = std::move(write)] { return write(bytes); },
                   [transfer](Guest&, GuestMemory guest_memory, Written written) {
                     if (written.error != Errno::kSuccess) return written.error;
                     return guest_memory.write(transfer.result, written.count) ? Errno::kSuccess : Errno::kFault;
                   });
}

Outcome write_file(GuestMemory memory, const HostFileRef& file, const Transfer& transfer, uint64_t wanted, Offset offset) {
  return write_off_shard(memory, transfer, wanted,
                         [file, offset](const std::string& bytes) { return write_host(file->fd(), bytes, offset); });
}

Outcome write_passed(Guest& guest, GuestMemory memory, const HostFileRef& file, const Transfer& transfer, uint64_t wanted) {
  return write_off_shard(memory, transfer, wanted, [file, stop = guest.config().stop()](const std::string& bytes) {
    StreamTransfer done = write_stream(file->fd(), bytes, stop);
    return Written{.count = static_cast<uint32_t>(done.count), .error = done.error};
  });
}

Outcome write_to(Guest& guest, GuestMemory memory, Fd fd, const Transfer& transfer, Offset offset) {
  Descriptor* descriptor = guest.fds().find(fd);
  if (descriptor == nullptr) return Errno::kBadf;
  if (descriptor->kind == Kind::kDirectory || descriptor->kind == Kind::kInputDirectory) return Errno::kIsdir;
  if (!descriptor->may(rights::kFdWrite)) return Errno::kBadf;
  bool is_file = descriptor->kind == Kind::kFile;
  if (offset && !is_file) return Errno::kSpipe;
  if (descriptor->kind == Kind::kSocket) return send(guest, memory, *descriptor, transfer);
  auto wanted = bytes_wanted(guest, memory, transfer);
  if (!wanted) return wanted.error();
  if (is_file) return write_file(memory, descriptor->host, transfer, *wanted, offset);
  if (descriptor->kind == Kind::kStream) return write_passed(guest, memory, descriptor->host, transfer, *wanted);
  if (descriptor->kind == Kind::kStdout) return write_stdout(guest, memory, transfer, *wanted);
  return write_stderr(guest, memory, transfer, *wanted);
}

Transfer transfer_of(Args args, int result) { return {.list = args.u32(1), .count = args.u32(2), .result = args.u32(result)}; }

bool is_file_offset(uint64_t offset) { return offset <= static_cast<uint64_t>(std::numeric_limits<off_t>::max()); }

}  // namespace

Outcome fd_read(Guest& guest, GuestMemory memory, Args args) {
  return read_from(guest, memory, args.u32(0), transfer_of(args, 3), std::nullopt);
}

Outcome fd_write(Guest& guest, GuestMemory memory, Args args) {
  return write_to(guest, memory, args.u32(0), transfer_of(args, 3), std::nullopt);
}

Outcome fd_pread(Guest& guest, GuestMemory memory, Args args) {
  if (!is_file_offset(args.u64(3))) return Errno::kInval;
  return read_from(guest, memory, args.u32(0), transfer_of(args, 4), args.u64(3));
}

Outcome fd_pwrite(Guest& guest, GuestMemory memory, Args args) {
  if (!is_file_offset(args.u64(3))) return Errno::kInval;
  return write_to(guest, memory, args.u32(0), transfer_of(args, 4), args.u64(3));
}

}  // namespace fiso::wasm::wasi::calls
