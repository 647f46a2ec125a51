#include "apps/supervisor.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "async/spawn.h"
#include "base/check.h"
#include "base/random_part.h"

namespace fiso::apps {
namespace {

constexpr uint32_t kLinesPerSecond = 200;
constexpr uint32_t kMostLines = 1'000'000'000;  // of one run; the log has its own limit per second
constexpr std::chrono::milliseconds kFirstProbes{50};
constexpr std::chrono::milliseconds kGrace{300};  // for a guest that is asked to end before it is replaced
constexpr const char* kOverTime = "requests are over their time again and again";

MonotonicTime now() { return std::chrono::steady_clock::now(); }

LineConversation::Options conversation_options(const AppConfig& config, const wasm::GuestSetup& setup) {
  return {.limits = setup.limits, .most_in_flight = config.max_in_flight, .may_answer_once = config.speaks() == Protocol::kAuto};
}

std::string describe(const wasm::RunResult& result) {
  if (result.outcome == wasm::Outcome::kOk) return "it left with 0";
  return wasm::to_error(result, {}).message();
}

}  // namespace

Supervisor::Supervisor(Parts parts)
    : parts_(std::move(parts)),
      places_(parts_.setup->network.listen.size()),
      output_log_(parts_.log, observe::LogLevel::kInfo, kLinesPerSecond),
      errors_log_(parts_.log, observe::LogLevel::kInfo, kLinesPerSecond),
      output_sink_(output_log_, wasm::GuestStream::kOutput),
      errors_sink_(errors_log_, wasm::GuestStream::kErrors),
      output_lines_(&output_sink_, parts_.setup->wasi->limits().stderr_line, kMostLines),
      errors_lines_(&errors_sink_, parts_.setup->wasi->limits().stderr_line, kMostLines),
      lines_(parts_.shard, conversation_options(parts_.config, *parts_.setup),
             [this](std::string_view line) { output_sink_.line(line); }),
      changed_(parts_.shard.executor()),
      gone_(parts_.shard.executor()) {
  FISO_CHECK(!places_.empty());
  for (size_t i = 0; i < places_.size(); ++i) places_[i].guest_port = parts_.setup->network.listen[i].guest_port;
}

void Supervisor::open(Care care) {
  care_ = std::move(care);
  async::spawn(parts_.shard, live(shared_from_this()));
}

Task<> Supervisor::close(MonotonicTime deadline) {
  closing_ = true;
  close_by_ = deadline;
  changed_.set();
  lines_.close();
  if (probing_ && guest_ != nullptr) guest_->terminate();  // what does not answer the probe may still heed that
  if (co_await gone_.wait(deadline)) co_return;
  end_conversation({.outcome = wasm::Outcome::kTrap, .detail = "it was stopped"});
  guest_.reset();
  co_await gone_.wait();
}

void Supervisor::note_timeout() {
  if (timeouts_.fetch_add(1, std::memory_order_relaxed) + 1 < parts_.config.unhealthy_threshold) return;
  over_time_.store(true, std::memory_order_relaxed);
  // At once: who is told of this time-out and asks again shall wait for the next guest.
  if (parts_.state.get() == State::kHealthy) parts_.state.set(State::kUnhealthy);
  parts_.shard.post([self = shared_from_this()] { self->changed_.set(); });
}

void Supervisor::written(wasm::GuestStream stream, std::string_view text) {
  if (stream == wasm::GuestStream::kErrors) return errors_lines_.write(text);
  if (!fault_.empty()) return;
  if (!lines_.under_way()) return output_lines_.write(text);
  if (lines_.output(text)) return;
  fault_ = "it writes a line of more than " + format_bytes(parts_.setup->limits.output);
  end_conversation({.outcome = wasm::Outcome::kOutput});
  changed_.set();
}

void Supervisor::noticed(wasm::ResidentNotice notice, std::string_view text) {
  switch (notice) {
    case wasm::ResidentNotice::kListening: note_listening(text); break;
    case wasm::ResidentNotice::kWaiting: {
      waits_ = waits_ || (shows_its_kind() && parts_.config.speaks() != Protocol::kHttp);
      uint64_t bytes_read = 0;
      std::from_chars(text.data(), text.data() + text.size(), bytes_read);
      lines_.waiting(bytes_read);
      break;
    }
    case wasm::ResidentNotice::kDenied: errors_log_.write("app network attempt denied", {{"attempt", text}}); break;
  }
  changed_.set();
}

void Supervisor::note_listening(std::string_view text) {
  uint16_t guest_port = 0, port = 0;
  std::from_chars(text.data(), text.data() + text.size(), guest_port);
  size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  bool talks_lines = waits_ || parts_.config.speaks() == Protocol::kNdjson;
  for (Place& place : places_) {
    bool is_main = &place == &places_.front();
    if (place.guest_port != guest_port || (is_main && talks_lines)) continue;
    place.port.store(port, std::memory_order_release);
    if (is_main) serves_.store(Serves::kPort, std::memory_order_release);
  }
}

uint16_t Supervisor::port_of(uint16_t guest_port) const {
  for (const Place& place : places_)
    if (place.guest_port == guest_port) return place.port.load(std::memory_order_acquire);
  return 0;
}

void Supervisor::forget_ports() {
  for (Place& place : places_) place.port.store(0, std::memory_order_release);
}

void Supervisor::ended(const wasm::RunResult& result) {
  over_ = result;
  bool did_nothing_else = shows_its_kind() && parts_.config.speaks() == Protocol::kAuto;
  if (did_nothing_else && result.outcome == wasm::Outcome::kOk) answers_once_ = true;
  end_conversation(result);
  forget_ports();
  changed_.set();
}

void Supervisor::end_conversation(const wasm::RunResult& result) {
  if (!lines_.under_way() || !lines_.ended(result)) return;
  answers_once_ = true;
  // Before the requests that the guest was not given look for another.
  if (parts_.state.get() == State::kHealthy) parts_.state.set(State::kUnhealthy);
}

Task<> Supervisor::live(std::shared_ptr<Supervisor> self) {
  Parts& parts = self->parts_;
  while (!self->closing_) {
    MonotonicTime began = now();
    std::string why = co_await self->live_once();
    self->forget_ports();
    if (self->closing_) {
      co_await self->let_go(self->close_by_);
      break;
    }
    if (parts.state.get() == State::kHealthy) parts.state.set(State::kUnhealthy);
    co_await self->let_go(now() + kGrace);
    if (self->answers_once_ && !self->closing_) {
      self->care_.answers_once();
      break;
    }
    if (!self->wants_restart()) {
      parts.log.warn("app guest ended", {{"reason", why}});
      if (!self->closing_) parts.state.set(State::kStopped);
      break;
    }
    Duration pause = self->pauses_.next(now() - began, random_part());
    parts.log.warn("app guest restarts",
                   {{"reason", why}, {"pause", format_duration(std::chrono::round<std::chrono::milliseconds>(pause))}});
    self->restarts_.fetch_add(1, std::memory_order_relaxed);
    parts.restarts.increment();
    for (MonotonicTime until = now() + pause; !self->closing_ && now() < until;) {
      self->changed_.reset();
      co_await self->changed_.wait(until);
    }
  }
  self->lines_.close();
  self->gone_.set();
}

Task<std::string> Supervisor::live_once() {
  over_.reset();
  fault_.clear();
  timeouts_ = 0;
  over_time_ = false;
  starting_ = true;
  waits_ = false;
  auto started = co_await parts_.module->start_resident(parts_.shard, parts_.setup, *this);
  if (!started.has_value()) co_return started.error().describe();
  guest_ = std::move(*started);
  MonotonicTime healthy_by = now() + parts_.config.start_timeout;
  while (port() == 0 && !waits_ && !is_over()) {
    changed_.reset();
    if (!co_await changed_.wait(healthy_by)) break;
  }
  starting_ = false;
  if (port() == 0 && !waits_ && !is_over()) co_return nothing_served();
  if (waits_ && !is_over()) {
    lines_.begin(*guest_);
    serves_.store(Serves::kLines, std::memory_order_release);
  }
  co_return co_await watch(healthy_by);
}

Task<std::string> Supervisor::watch(MonotonicTime healthy_by) {
  const AppConfig& config = parts_.config;
  for (int64_t failures = 0; !is_over();) {
    probing_ = true;
    bool well = !care_.is_well || co_await care_.is_well();
    probing_ = false;
    if (is_over()) break;
    if (over_time_.load(std::memory_order_relaxed)) co_return kOverTime;
    bool was_healthy = parts_.state.get() == State::kHealthy;
    failures = well ? 0 : failures + 1;
    if (well) parts_.state.set(State::kHealthy);
    if (!well && !was_healthy && now() >= healthy_by) co_return "it does not become healthy";
    if (was_healthy && failures >= config.unhealthy_threshold) co_return std::to_string(failures) + " health checks failed";
    MonotonicTime next = !care_.is_well ? kNever : now() + (well || was_healthy ? config.health_check_interval : kFirstProbes);
    for (changed_.reset(); !is_over() && co_await changed_.wait(next); changed_.reset())
      if (over_time_.load(std::memory_order_relaxed)) co_return kOverTime;
  }
  if (over_.has_value()) co_return describe(*over_);
  co_return fault_.empty() ? "it is told to" : fault_;
}

std::string Supervisor::nothing_served() const {
  if (parts_.config.speaks() == Protocol::kAuto) return "it neither listens on its PORT nor reads its input";
  return parts_.config.speaks() == Protocol::kHttp ? "it does not listen on its PORT" : "it does not read its input";
}

Task<> Supervisor::let_go(MonotonicTime deadline) {
  if (guest_ != nullptr && !over_.has_value()) guest_->terminate();
  while (guest_ != nullptr && !over_.has_value() && now() < deadline) {
    changed_.reset();
    co_await changed_.wait(deadline);
  }
  end_conversation({.outcome = wasm::Outcome::kTrap, .detail = "it was stopped"});
  guest_.reset();
  output_lines_.flush();
  errors_lines_.flush();
}

bool Supervisor::wants_restart() const {
  switch (parts_.config.restart) {
    case Restart::kAlways: return true;
    case Restart::kOnFailure: return !over_.has_value() || over_->outcome != wasm::Outcome::kOk;
    case Restart::kNever: break;
  }
  return false;
}

}  // namespace fiso::apps
