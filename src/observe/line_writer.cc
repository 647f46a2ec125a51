#include "observe/line_writer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <semaphore>
#include <string>

namespace fiso::observe {
namespace {

constexpr std::chrono::milliseconds kLookAgain{50};  // how late a deadline may be noticed

// Of all descriptors, since two of them may lead to the same pipe. Held for a whole line: besides keeping it whole this
// leaves the room that poll(2) has seen in a pipe to the one who looked, who would be stuck in write(2) otherwise.
class Turn {
 public:
  // False if another line has not ended meanwhile.
  bool wait(Duration duration) { return mine_ = turn().try_acquire_for(duration); }
  ~Turn() {
    if (mine_) turn().release();
  }

 private:
  static std::binary_semaphore& turn() {
    static std::binary_semaphore only(1);
    return only;
  }
  bool mine_ = false;
};

bool passed(MonotonicTime time) { return std::chrono::steady_clock::now() >= time; }

}  // namespace

bool LineWriter::write(std::string_view line, MonotonicTime begin_before) {
  std::string text;
  text.reserve(line.size() + 1);
  text.append(line).push_back('\n');
  Turn turn;
  while (!turn.wait(kLookAgain))
    if (passed(std::min(begin_before, deadline_.load(std::memory_order_relaxed)))) return errno = ETIMEDOUT, false;
  for (std::string_view rest = text; !rest.empty();) {
    bool begun = rest.size() < text.size();
    if (!wait_writable(begun ? kNever : begin_before) || !write_piece(rest)) return false;
  }
  return true;
}

// After `until` nothing is writable any more; after give_up_at() nothing is waited for.
bool LineWriter::wait_writable(MonotonicTime until) const {
  for (;;) {
    pollfd descriptor{fd_, POLLOUT, 0};
    int ready = ::poll(&descriptor, 1, static_cast<int>(kLookAgain.count()));
    if (until != kNever && passed(until)) return errno = ETIMEDOUT, false;
    if (ready > 0 && (descriptor.revents & POLLOUT) != 0) return true;
    if (ready > 0) return errno = EPIPE, false;
    if (ready < 0 && errno != EINTR) return false;
    if (passed(deadline_.load(std::memory_order_relaxed))) return errno = ETIMEDOUT, false;
  }
}

bool LineWriter::write_piece(std::string_view& rest) {
  ssize_t written = ::write(fd_, rest.data(), std::min<size_t>(rest.size(), PIPE_BUF));
  if (written < 0) return errno == EINTR || errno == EAGAIN;
  rest.remove_prefix(static_cast<size_t>(written));
  return true;
}

}  // namespace fiso::observe
