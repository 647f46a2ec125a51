#include "apps/resident_lines.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "apps/app_message.h"
#include "apps/failures.h"
#include "async/spawn.h"

namespace fiso::apps {
namespace {

constexpr uint32_t kFailedLines = 100;

MonotonicTime now() { return std::chrono::steady_clock::now(); }

// A question that crosses to the home shard; lives on the frame of who asks, who waits for `done` in any case.
struct Crossing {
  async::Shard& asker;
  std::shared_ptr<Supervisor> supervisor;
  std::string request;
  MonotonicTime deadline;
  std::optional<Result<std::string>> answer;
  async::Signal done;
};

Task<> cross(Crossing& crossing) {
  crossing.answer = co_await crossing.supervisor->lines().ask(std::move(crossing.request), crossing.deadline);
  crossing.asker.post([&crossing] { crossing.done.set(); });
}

}  // namespace

ResidentLines::ResidentLines(ResidentParts parts)
    : parts_(std::move(parts)), failed_log_(parts_.log, observe::LogLevel::kError, kFailedLines) {}

Task<Result<std::string>> ResidentLines::ask_at_home(std::string request, MonotonicTime deadline) {
  if (&parts_.shard == &parts_.home) co_return co_await parts_.supervisor->lines().ask(std::move(request), deadline);
  Crossing crossing{.asker = parts_.shard,
                    .supervisor = parts_.supervisor,
                    .request = std::move(request),
                    .deadline = deadline,
                    .answer = {},
                    .done = async::Signal(parts_.shard.executor())};
  async::spawn(parts_.home, cross(crossing));
  co_await crossing.done.wait();
  co_return std::move(*crossing.answer);
}

Task<Result<net::HttpResponse>> ResidentLines::answer(const net::HttpRequest& request, MonotonicTime deadline) {
  FISO_CO_TRY(std::string line, to_app_request(request));
  Result<std::string> answered = co_await ask_at_home(std::move(line), deadline);
  if (!answered.has_value()) {
    bool guests = answered.error().code() != ErrorCode::kCancelled;
    co_return guests ? in_words_of_execution(answered.take_error()) : answered.take_error();
  }
  auto response = read_app_response(*answered);
  if (!response.has_value()) co_return in_words_of_decoding(response.take_error());
  co_return response;
}

Task<Result<net::HttpResponse>> ResidentLines::call(const net::HttpRequest& request) {
  MonotonicTime began = now();
  auto answered = co_await answer(request, began + parts_.config.timeout);
  if (!answered.has_value() && answered.error().code() == ErrorCode::kCancelled) co_return answered;
  note(answered.has_value() ? nullptr : &answered.error());
  if (!answered.has_value()) answered = to_response(answered.error());
  parts_.traffic.note(answered->status, now() - began);
  co_return answered;
}

Task<Result<AppReply>> ResidentLines::ask(const AppCall& call) {
  MonotonicTime began = now();
  auto answered = co_await ask_at_home(call.envelope(), std::min(began + parts_.config.timeout, call.deadline));
  if (!answered.has_value() && answered.error().code() == ErrorCode::kCancelled) co_return answered.take_error();
  note(answered.has_value() ? nullptr : &answered.error(), call.deadline);
  parts_.traffic.note(answered.has_value() ? 200 : status_of(answered.error()), now() - began);
  if (!answered.has_value()) co_return in_words_of_execution(answered.take_error());
  co_return AppReply{.text = std::move(*answered)};
}

// Who has little time left says nothing about the guest.
void ResidentLines::note(const Error* error, MonotonicTime latest) {
  if (error == nullptr) return parts_.supervisor->note_answer();
  if (error->code() == ErrorCode::kTimeout && now() < latest) parts_.supervisor->note_timeout();
  failed_log_.write("app request failed", {{"error", error->describe()}});
}

Task<int> ResidentLines::probe(const net::HttpRequest& request, MonotonicTime deadline) {
  auto answered = co_await answer(request, deadline);
  if (answered.has_value()) co_return answered->status;
  co_return answered.error().code() == ErrorCode::kOverloaded ? 200 : 503;
}

}  // namespace fiso::apps
