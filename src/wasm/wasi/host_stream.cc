#include "wasm/wasi/host_stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace fiso::wasm::wasi {
namespace {

// False when the stop came first.
bool wait_until_ready(int fd, short events, StopRequest stop) {
  pollfd watched[] = {{fd, events, 0}, {stop.fd(), POLLIN, 0}};
  while (::poll(watched, 2, -1) < 0 && errno == EINTR) continue;
  return watched[1].revents == 0;
}

bool try_again(ssize_t result) { return result < 0 && (errno == EINTR || errno == EAGAIN); }

}  // namespace

StreamTransfer read_stream(int fd, uint8_t* to, size_t length, StopRequest stop) {
  ssize_t count;
  do {
    if (!wait_until_ready(fd, POLLIN, stop)) return {.error = Errno::kIntr};
    count = ::read(fd, to, length);
  } while (try_again(count));
  if (count < 0) return {.error = errno_of_host(errno)};
  return {.count = static_cast<size_t>(count)};
}

// A pipe that is ready takes PIPE_BUF bytes without blocking, and not a byte more is promised.
StreamTransfer write_stream(int fd, std::string_view bytes, StopRequest stop) {
  size_t done = 0;
  while (done < bytes.size()) {
    if (!wait_until_ready(fd, POLLOUT, stop)) return {.count = done, .error = done == 0 ? Errno::kIntr : Errno::kSuccess};
    ssize_t count = ::write(fd, bytes.data() + done, std::min<size_t>(bytes.size() - done, PIPE_BUF));
    if (try_again(count)) continue;
    if (count < 0) return {.count = done, .error = done == 0 ? errno_of_host(errno) : Errno::kSuccess};
    done += static_cast<size_t>(count);
  }
  return {.count = done};
}

short stream_events(int fd, short events) {
  pollfd watched{fd, events, 0};
  if (::poll(&watched, 1, 0) <= 0) return 0;
  bool ended = (watched.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
  return static_cast<short>((watched.revents & events) | (ended ? POLLHUP : 0));
}

void wait_for_streams(const std::vector<WatchedStream>& streams, Duration most, StopRequest stop) {
  std::vector<pollfd> watched{{stop.fd(), POLLIN, 0}};
  for (const WatchedStream& stream : streams) watched.push_back({stream.stream->fd(), stream.events, 0});
  // Rounded up: a clock that is asked for is due afterwards.
  auto wait = std::chrono::ceil<std::chrono::milliseconds>(most).count();
  (void)::poll(watched.data(), watched.size(), static_cast<int>(std::min<int64_t>(wait, INT_MAX)));
}

}  // namespace fiso::wasm::wasi
