// Where the requests of a shard find what their target is due, and wait for it while it is being asked for.
//
// Threading: shard-local.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "async/signal.h"
#include "link/credential.h"

namespace fiso::link {

// What is to be sent, if there is anything; if not, whether it is worth waiting.
struct CredentialState {
  std::optional<Credential> credential;
  bool is_asked_for = false;
};

class CredentialSlot {
 public:
  explicit CredentialSlot(async::Executor executor) : executor_(executor) {}
  CredentialSlot(const CredentialSlot&) = delete;

  // Wakes who waits.
  void set(CredentialState state);
  // Nobody will tell any more: what there is stays, and nobody waits for what there is not.
  void abandon();
  const std::optional<Credential>& now() const { return state_.credential; }
  // True when there is one; false if none is being asked for, or if none has come by the deadline. Any number may wait.
  Task<bool> wait(MonotonicTime deadline);

 private:
  async::Executor executor_;
  CredentialState state_{.is_asked_for = true};  // before anything is known
  std::vector<async::Signal*> waiting_;          // each is on the frame of who waits
};

}  // namespace fiso::link
