// While it lives this process gets `left` further descriptors at the most.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

namespace fiso::testing {

class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t left) {
    getrlimit(RLIMIT_NOFILE, &before_);
    int next = ::dup(0);
    ::close(next);
    rlimit few{.rlim_cur = static_cast<rlim_t>(next) + left, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace fiso::testing
