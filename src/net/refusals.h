// Why a server turns requests and connections away: the words for the metrics and the log.
//
// All of a process's servers count into the same series. Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "observe/log.h"
#include "observe/metrics.h"

namespace fiso::net {

enum class Refusal {
  kMalformed,      // not HTTP as we accept it: 400
  kIncomplete,     // the client ended it in the middle: 400
  kVersion,        // 505
  kExpectation,    // 417
  kHeadTooLarge,   // 431
  kBodyTooLarge,   // 413
  kHeadTimeout,    // 408
  kBodyTimeout,    // 408
  kTooManyBodies,  // beyond the BodyBudget: 503
};
inline constexpr size_t kRefusals = static_cast<size_t>(Refusal::kTooManyBodies) + 1;

// Of a connection as a whole.
enum class ConnectionRefusal {
  kTooMany,        // more than the ConnectionBudget has
  kTlsHandshake,   // failed or too slow, after a first byte
  kSlowReader,     // the client did not take its answer within the write timeout
  kNoDescriptors,  // it waits in the kernel: no descriptor, or memory, to accept it with
  kFlood,          // of HTTP/2: resets, invalid frames, control frames or header fields without end
};
inline constexpr size_t kConnectionRefusals = static_cast<size_t>(ConnectionRefusal::kFlood) + 1;

std::string_view to_string(Refusal refusal);
std::string_view to_string(ConnectionRefusal refusal);
// Why a slow reader was cut.
inline constexpr std::string_view kNotTaken = "the client does not take the answer";

// Of a request that the parser gave up with this status.
Refusal refusal_of(int status);

// Where servers tell of them. Each shard of a server samples its own lines of `log`.
class RefusalReport {
 public:
  RefusalReport(observe::Metrics& metrics, observe::Log log);

  void count(Refusal refusal) { requests_[static_cast<size_t>(refusal)]->increment(); }
  void count(ConnectionRefusal refusal) { connections_[static_cast<size_t>(refusal)]->increment(); }
  const observe::Log& log() const { return log_; }

 private:
  std::array<observe::Counter*, kRefusals> requests_;
  std::array<observe::Counter*, kConnectionRefusals> connections_;
  observe::Log log_;
};

}  // namespace fiso::net
