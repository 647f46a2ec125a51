// What went wrong, whose fault it is, and where it happened.
//
// An Error has a code, a short message and a chain of contexts. The message is safe to show to a caller: it never holds
// a URL, an address, a path, a secret or a guest's output. Whatever an operator needs beyond that goes into the contexts
// ("sink http", "connect 127.0.0.1:9"), which reach the log only. Value type, one pointer wide, movable; not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace fiso {

enum class ErrorCode {
  kInvalidConfig,  // the operator's: refuse to start or to reload
  kInvalidInput,   // the caller's: the event or request itself is wrong
  kNotFound,       // something named does not exist
  kRejected,       // the other side, or a policy, said no; again will not help
  kUnavailable,    // the other side cannot be reached or failed; again may help
  kTimeout,        // a deadline passed
  kOverloaded,     // a limit of ours is reached; again later will help
  kCancelled,      // we are stopping, or the caller went away
  kGuestTrap,      // guest code trapped
  kGuestExit,      // guest code ended with a non-zero exit code
  kGuestLimit,     // guest code went over one of its limits, or answered nonsense
  kInternal,       // ours
};

std::string_view to_string(ErrorCode code);

// True if the same attempt may succeed when it is made again.
bool retryable(ErrorCode code);

class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message);
  Error(const Error& other);
  Error& operator=(const Error& other);
  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;
  ~Error() = default;

  ErrorCode code() const { return rep_->code; }
  // Short, and safe to show to a caller.
  const std::string& message() const { return rep_->message; }
  // Outermost context first, then the message: "sink http: connect 127.0.0.1:9: connection refused". For logs.
  std::string describe() const;

  // Adds the outermost context so far.
  Error with_context(std::string context) &&;
  // Replaces the message and keeps code and contexts; `message` may quote message().
  Error with_message(std::string message) &&;
  Error with_code(ErrorCode code) &&;

  // How long the other side asked us to stay away (Retry-After); zero if it did not say.
  Duration retry_after() const { return rep_->retry_after; }
  Error with_retry_after(Duration duration) &&;

 private:
  struct Rep {
    ErrorCode code;
    std::string message;
    std::vector<std::string> contexts;  // innermost first
    Duration retry_after{0};
  };
  std::unique_ptr<Rep> rep_;
};

}  // namespace fiso
