// A caller that leaves when the test says so.
#pragma once

#include <utility>

#include "base/caller.h"

namespace fiso::testing {

class FakeCaller final : public Caller {
 public:
  void when_gone(void* owner, Gone gone) override {
    owner_ = owner;
    gone_ = gone;
    if (has_left_) tell();
  }
  bool is_watched() const { return gone_ != nullptr; }
  void leave() {
    has_left_ = true;
    tell();
  }

 private:
  void tell() {
    if (Gone gone = std::exchange(gone_, nullptr)) gone(owner_);
  }

  void* owner_ = nullptr;
  Gone gone_ = nullptr;
  bool has_left_ = false;
};

}  // namespace fiso::testing
