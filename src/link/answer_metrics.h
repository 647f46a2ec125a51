// The series of what a target's requests come to.
//
// Threading: shard-local; a series is looked up once, under the registry's lock, and moved without one from then on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "observe/metrics.h"

namespace fiso::link {

class AnswerMetrics {
 public:
  // Borrows the group, whose labels name the target. `mode`: how requests go out, a literal.
  explicit AnswerMetrics(const observe::SeriesGroup& series, std::string_view mode = "sync") : series_(series), mode_(mode) {}

  // A request that was answered with `status`, or "error" where no answer could be given.
  void note(std::string_view method, std::string_view status, Duration taken);
  // Attempt `number`, from 1, was followed by another.
  void note_retry(int64_t number);

 private:
  struct Answers {
    std::string_view method;
    std::string status;
    observe::Counter* count;
    observe::Histogram* seconds;
  };
  const observe::SeriesGroup& series_;
  const std::string_view mode_;
  std::vector<Answers> answers_;
  std::vector<observe::Counter*> retries_;  // by attempt
};

// The method as a label: one of the usual ones, or "other".
std::string_view method_label(std::string_view method);

}  // namespace fiso::link
