// One message on its way through Fiso.
//
// It owns its bytes. A payload is a slice of the buffer it came in (a request body, a guest's output), so that it is handed
// on without being copied. Value type: movable, never shared while it is being changed.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/caller.h"
#include "base/clock.h"
#include "base/header_list.h"
#include "core/call_facts.h"

namespace fiso::core {

class Payload {
 public:
  Payload() = default;
  explicit Payload(std::string text) : buffer_(std::move(text)), length_(buffer_.size()) {}
  // The part of `buffer` that `slice`, a view into it, stands for. By reference: moving a short string moves its bytes, so the
  // offset is taken first.
  static Payload slice_of(std::string&& buffer, std::string_view slice) {
    Payload payload;
    payload.offset_ = static_cast<size_t>(slice.data() - buffer.data());
    payload.length_ = slice.size();
    payload.buffer_ = std::move(buffer);
    return payload;
  }

  std::string_view view() const { return std::string_view(buffer_).substr(offset_, length_); }

 private:
  std::string buffer_;
  size_t offset_ = 0;
  size_t length_ = 0;
};

struct Event {
  Payload payload;                      // JSON, once the pipeline has accepted it
  HeaderList headers;                   // as the source got them, and as interceptors changed them
  HeaderList sink_headers;              // what the sink sends along: what interceptors added or changed, and what config forwards
  std::string_view topic;               // where it came from in the source's words ("http"); lives as long as the source
  std::string id;                       // unique per event; the pipeline fills it if the source has none
  std::string correlation_id;           // the same through all systems an event passes; likewise
  std::string_view correlation_source;  // which header it came from, or "generated"
  // A message of a call to a target, as it is: its body need not be JSON, and its headers are what goes on. Nothing: an event of
  // a flow.
  const CallFacts* call = nullptr;
  // Who waits for what becomes of it; null where nobody can leave. Outlives it.
  Caller* caller = nullptr;
  // After it nobody waits any more.
  MonotonicTime deadline = kNever;
  bool failure_passed = false;  // by an interceptor that failed and lets it pass as it was; who counts such resets it
};

}  // namespace fiso::core
