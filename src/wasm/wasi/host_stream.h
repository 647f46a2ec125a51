// The host's stdin, stdout and stderr as a guest's own: bytes pass as they are, when they are read and written.
//
// What blocks here runs off the shard. Every wait ends early when `stop` is made, since a thread that waits for a terminal or
// a pipe could not be called back otherwise. The descriptors belong to other processes as well, so their flags are left alone.
#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/stop_request.h"
#include "wasm/wasi/abi.h"
#include "wasm/wasi/host_file.h"

namespace fiso::wasm::wasi {

// What one transfer did; kIntr when it was stopped before the first byte.
struct StreamTransfer {
  size_t count = 0;
  Errno error = Errno::kSuccess;
};

// Blocks until there is something to read, or the end (a count of 0).
StreamTransfer read_stream(int fd, uint8_t* to, size_t length, StopRequest stop);
// Blocks until all of it is written, or an error.
StreamTransfer write_stream(int fd, std::string_view bytes, StopRequest stop);

// The events of poll(2), out of `events`, that have come; never waits. An end or an error counts as POLLHUP.
short stream_events(int fd, short events);

// A stream and the events of poll(2) that it is watched for.
struct WatchedStream {
  HostFileRef stream;
  short events;
};
// Blocks until one of them is ready, or for `most`.
void wait_for_streams(const std::vector<WatchedStream>& streams, Duration most, StopRequest stop);

}  // namespace fiso::wasm::wasi
