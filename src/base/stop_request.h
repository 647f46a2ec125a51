// Whether the process was asked to stop, for what blocks the control thread and must then end early.
//
// It is a descriptor that becomes readable, so a wait for something else can watch it too. Borrowed, copied freely; the
// default is a request that never comes. Thread-safe.
#pragma once

#include <poll.h>

namespace fiso {

class StopRequest {
 public:
  StopRequest() = default;
  explicit StopRequest(int fd) : fd_(fd) {}

  // For poll(), which leaves a negative one alone.
  int fd() const { return fd_; }
  bool made() const {
    pollfd watched{fd_, POLLIN, 0};
    return ::poll(&watched, 1, 0) > 0;
  }

 private:
  int fd_ = -1;
};

}  // namespace fiso
