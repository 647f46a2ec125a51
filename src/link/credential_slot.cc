#include "link/credential_slot.h"

namespace fiso::link {

void CredentialSlot::set(CredentialState state) {
  state_ = std::move(state);
  if (!state_.credential.has_value() && state_.is_asked_for) return;
  for (async::Signal* waiter : waiting_) waiter->set();
}

void CredentialSlot::abandon() {
  if (!state_.credential.has_value()) set({});
}

Task<bool> CredentialSlot::wait(MonotonicTime deadline) {
  // What was told may be otherwise again by the time a waiter runs.
  while (!state_.credential.has_value() && state_.is_asked_for) {
    async::Signal settled(executor_);
    waiting_.push_back(&settled);
    bool in_time = co_await settled.wait(deadline);
    std::erase(waiting_, &settled);
    if (!in_time) break;
  }
  co_return state_.credential.has_value();
}

}  // namespace fiso::link
