#include "observe/line_writer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

namespace fiso::observe {

bool LineWriter::write(std::string_view line) {
  std::string text;
  text.reserve(line.size() + 1);
  text.append(line).push_back('\n');
  for (std::string_view rest = text; !rest.empty();)
    if (!wait_writable() || !write_piece(rest)) return false;
  return true;
}

bool LineWriter::wait_writable() const {
  constexpr int kLookAgainMs = 50;  // how late a new deadline may be noticed
  for (;;) {
    pollfd descriptor{fd_, POLLOUT, 0};
    int ready = ::poll(&descriptor, 1, kLookAgainMs);
    if (ready > 0) return (descriptor.revents & POLLOUT) != 0;
    if (ready < 0 && errno != EINTR) return false;
    if (std::chrono::steady_clock::now() >= deadline_.load(std::memory_order_relaxed)) return false;
  }
}

bool LineWriter::write_piece(std::string_view& rest) {
  ssize_t written = ::write(fd_, rest.data(), std::min<size_t>(rest.size(), PIPE_BUF));
  if (written < 0) return errno == EINTR || errno == EAGAIN;
  rest.remove_prefix(static_cast<size_t>(written));
  return true;
}

}  // namespace fiso::observe
