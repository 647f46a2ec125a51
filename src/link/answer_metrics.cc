#include "link/answer_metrics.h"

#include <algorithm>
#include <iterator>

namespace fiso::link {
namespace {

constexpr int64_t kMostAttemptsTold = 10;

}  // namespace

std::string_view method_label(std::string_view method) {
  constexpr std::string_view kUsual[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  auto found = std::ranges::find(kUsual, method);
  return found == std::end(kUsual) ? "other" : *found;
}

void AnswerMetrics::note(std::string_view method, std::string_view status, Duration taken) {
  method = method_label(method);
  auto known = std::ranges::find_if(answers_, [&](const Answers& one) { return one.method == method && one.status == status; });
  if (known == answers_.end()) {
    observe::Counter& count = series_.counter("fiso_link_requests_total", "Requests to targets, by the answer's status.",
                                              {{"method", method}, {"status", status}, {"mode", mode_}});
    observe::Histogram& seconds =
        series_.histogram("fiso_link_request_duration_seconds", "Time of a request, retries included.", {{"method", method}});
    answers_.push_back({method, std::string(status), &count, &seconds});
    known = std::prev(answers_.end());
  }
  known->count->increment();
  known->seconds->observe(taken);
}

void AnswerMetrics::note_retry(int64_t number) {
  auto place = static_cast<size_t>(std::min(number, kMostAttemptsTold));
  if (retries_.size() <= place) retries_.resize(place + 1);
  if (retries_[place] == nullptr)
    retries_[place] = &series_.counter("fiso_link_retries_total", "Attempts after the first, by their number (10: and later).",
                                       {{"attempt", std::to_string(place)}});
  retries_[place]->increment();
}

}  // namespace fiso::link
