// A fake for every interface of core, for tests of whatever stands between them.
//
// Threading: used on one shard; a test may look at them from its own thread when what it started there has completed.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "async/signal.h"
#include "core/cloud_event.h"
#include "core/interceptor.h"
#include "core/sink.h"
#include "core/source.h"

namespace fiso::testing {

inline core::Event make_event(std::string payload, std::vector<std::pair<std::string, std::string>> headers = {}) {
  core::Event event;
  event.payload = core::Payload(std::move(payload));
  event.topic = "test";
  for (const auto& [name, value] : headers) event.headers.add(name, value);
  return event;
}

// Keeps every answer it is given.
class FakeAnswerer final : public core::Answerer {
 public:
  void answer(Result<> outcome) noexcept override { answers.push_back(std::move(outcome)); }
  std::vector<Result<>> answers;
};

// Push an event, get its answer.
class FakeSource final : public core::Source {
 public:
  void start(core::Intake& intake) override { intake_ = &intake; }
  bool started() const { return intake_ != nullptr; }

  // Every answer the event was given; a right intake gives exactly one.
  Task<std::vector<Result<>>> push_for_all(core::Event event) {
    FakeAnswerer answerer;
    co_await intake_->take(core::Delivery(std::move(event), answerer));
    co_return std::move(answerer.answers);
  }
  Task<Result<>> push(core::Event event) {
    auto answers = co_await push_for_all(std::move(event));
    if (answers.size() != 1) co_return Error(ErrorCode::kInternal, std::to_string(answers.size()) + " answers");
    co_return std::move(answers[0]);
  }

 private:
  core::Intake* intake_ = nullptr;
};

// Takes everything, unless it was told otherwise.
class FakeSink final : public core::Sink {
 public:
  struct Taken {
    std::string body;
    std::string correlation_id;
    std::vector<std::pair<std::string, std::string>> headers;
  };

  // The outcome of the next delivery that has none yet.
  void then(Result<> outcome) { script_.push_back(std::move(outcome)); }
  void then_fail(ErrorCode code, std::string message) { then(Error(code, std::move(message))); }

  // Deliveries wait at `signal` before they end; nullptr for none. Borrowed; one delivery at a time.
  void hold_at(async::Signal* signal) { hold_ = signal; }

  Task<Result<>> deliver(const core::Outbound& event) override {
    ++attempts;
    Result<> outcome;
    if (!script_.empty()) {
      outcome = std::move(script_.front());
      script_.pop_front();
    }
    if (hold_ != nullptr) co_await hold_->wait();
    if (outcome.has_value()) keep(event);
    co_return outcome;
  }

  int attempts = 0;
  std::vector<Taken> taken;

 private:
  void keep(const core::Outbound& event) {
    Taken one;
    for (std::string_view piece : event.body()) one.body.append(piece);
    one.correlation_id = event.correlation_id;
    for (HeaderList::Field field : *event.headers) one.headers.emplace_back(field.name, field.value);
    taken.push_back(std::move(one));
  }

  std::deque<Result<>> script_;
  async::Signal* hold_ = nullptr;
};

// Does to each event what a function says; nothing without one.
class FakeInterceptor final : public core::Interceptor {
 public:
  explicit FakeInterceptor(std::function<Result<>(core::Event&)> change = {}) : change_(std::move(change)) {}

  Task<Result<>> process(core::Event& event) override {
    ++seen;
    co_return change_ ? change_(event) : Result<>();
  }

  int seen = 0;

 private:
  std::function<Result<>(core::Event&)> change_;
};

// A CloudEvent with the event that it borrows from.
class OwnedOutbound {
 public:
  explicit OwnedOutbound(core::Event event) : event_(std::move(event)) {
    if (event_.correlation_id.empty()) event_.correlation_id = "corr-1";
    json::Document scratch;
    outbound_ = core::to_cloud_event(event_, {.source = "fiso-flow/test"}, Clock::system(), scratch).value();
  }
  explicit OwnedOutbound(std::string payload) : OwnedOutbound(make_event(std::move(payload))) {}
  OwnedOutbound(const OwnedOutbound&) = delete;

  core::Event& event() { return event_; }
  const core::Outbound& get() const { return outbound_; }
  std::string body() const {
    std::string text;
    for (std::string_view piece : outbound_.body()) text.append(piece);
    return text;
  }

 private:
  core::Event event_;
  core::Outbound outbound_;
};

}  // namespace fiso::testing
