// Where a secret comes from: a file or a variable, an OAuth2 server, a Vault. One class each; who keeps what they give fresh is
// CredentialKeeper.
//
// Threading: shard-local, all of one process on the same shard. Calls are made one at a time, and none blocks the shard.
#pragma once

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace fiso::link {

// Longer than any process lives, and short enough to be added to a time.
inline constexpr Duration kForever = std::chrono::hours(24 * 365 * 100);

// A secret, and for how long from now.
struct Lease {
  Secret value;
  Duration refresh_after = kForever;  // when another one should be asked for
  Duration usable_for = kForever;     // how long this one is sent if none can be had
};

class SecretSource {
 public:
  virtual ~SecretSource() = default;

  // The secret as it is now. What asks another machine completes by the deadline. An error that is retryable() leaves the last
  // lease as it is; any other means that it must not be used any more. Messages and contexts hold no secret.
  virtual Task<Result<Lease>> fetch(MonotonicTime deadline) = 0;

  // Something on this machine has changed since the last look, so that fetch() may give another one.
  virtual Task<bool> has_changed() = 0;

  // A fetch() under way ends soon, in an error.
  virtual void abort() {}
};

}  // namespace fiso::link
