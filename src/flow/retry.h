// Tries a delivery again when that can help: the policy around every sink.
//
// Only errors that retryable() names are tried again, up to `attempts` in all, after a pause that starts at 200 ms, grows by
// `backoff` and is capped at 30 s, plus or minus 20 %. A longer Retry-After of the other side is honoured, up to the same
// cap; one beyond it ends the retries. Threading: shard-local.
#pragma once

#include <cstdint>

#include "async/gate.h"
#include "core/sink.h"
#include "flow/flow_config.h"
#include "observe/metrics.h"

namespace fiso::flow {

struct RetryPolicy {
  int64_t attempts = 1;
  Backoff backoff = Backoff::kExponential;
};

// The pause before attempt `attempt` + 1, without jitter; attempts count from 1.
Duration backoff_pause(Backoff backoff, int64_t attempt);

// `attempts`, if given, counts the calls of the sink. Once `stop` is closed no pause begins, and those under way end at once: the
// last error is the answer. The error says after how many attempts: "delivery failed after 3 attempts: http status 503".
Task<Result<>> deliver_with_retries(core::Sink& sink, const core::Outbound& event, RetryPolicy policy, async::Gate& stop,
                                    observe::Counter& retries, int64_t* attempts = nullptr);

}  // namespace fiso::flow
