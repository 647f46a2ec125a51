// What a guest's answer does to an event: what it wrote becomes the payload, and headers that it added, changed or removed go on
// if they are fit for it (components/header_rules.h). The body of a call that it says nothing of stays.
//
// Shard-local.
#pragma once

#include <string>
#include <vector>

#include "core/event.h"
#include "json/scan.h"
#include "observe/metrics.h"
#include "observe/sampled_log.h"

namespace fiso::interceptors {

class EnvelopeAnswer {
 public:
  // Headers that are not fit are counted and logged. Borrows the counter.
  EnvelopeAnswer(const observe::Log& log, observe::Counter& dropped_headers);

  // kGuestLimit, and the event half changed, if it is no envelope.
  Result<> apply(core::Event& event, std::string output);
  // Of several, followed by tell_dropped(): those that were not fit are one line.
  void take_header(core::Event& event, HeaderList::Field field);
  void tell_dropped(const core::Event& event);

 private:
  Result<> apply_to_event(core::Event& event, std::string output);
  Result<> apply_to_call(core::Event& event, std::string output);
  bool may_change(const core::Event& event, HeaderList::Field field);

  observe::Counter& dropped_headers_;
  observe::SampledLog dropped_log_;
  std::vector<std::string> dropped_;  // names; between two suspensions only, likewise
  json::Document scratch_;            // between two suspensions only
};

}  // namespace fiso::interceptors
