#include "kafka/producer.h"

#include <utility>

#include "kafka/producer_handle.h"

namespace fiso::kafka {

Result<std::unique_ptr<Producer>> Producer::make(ProducerOptions options, observe::Log log) {
  log = log.with({{"cluster", options.cluster}});
  auto handle = ProducerHandle::open(options, log);
  if (!handle.has_value()) return handle.take_error().with_context("kafka: cluster \"" + options.cluster + "\"");
  return std::unique_ptr<Producer>(new Producer(std::move(options), std::move(log), std::move(*handle)));
}

Producer::Producer(ProducerOptions options, observe::Log log, std::shared_ptr<ProducerHandle> handle)
    : options_(std::move(options)), log_(std::move(log)), now_(Now{std::move(handle), Secret()}) {}

Producer::~Producer() = default;

Task<Result<Placement>> Producer::publish(const Record& record, MonotonicTime deadline) {
  auto waiting = std::make_shared<Waiting>(async::Shard::current());
  Result<> taken = now_.with([&](Now& now) { return now.handle->produce(record, waiting); });
  if (!taken.has_value()) co_return taken.take_error();
  if (!co_await waiting->done.wait(deadline)) co_return Error(ErrorCode::kTimeout, "no acknowledgement in time");
  co_return std::move(*waiting->outcome);
}

void Producer::set_token(const Secret& token) {
  now_.with([&](Now& now) {
    now.token = token;
    now.handle->set_token(options_, token);
  });
}

void Producer::drop_token(const std::string& why) {
  now_.with([&](Now& now) {
    now.token = Secret();
    now.handle->drop_token(why);
  });
}

void Producer::renew() {
  std::shared_ptr<ProducerHandle> ended = now_.with([](const Now& now) { return now.handle; });
  if (!ended->has_ended()) return;
  auto next = ProducerHandle::open(options_, log_);
  if (!next.has_value()) return log_.error("kafka producer cannot begin anew", {{"error", next.error().describe()}});
  now_.with([&](Now& now) {
    if (!now.token.empty()) (*next)->set_token(options_, now.token);
    now.handle = std::move(*next);
  });
  log_.warn("kafka producer begins anew");
}

int64_t Producer::queued() {
  return now_.with([](const Now& now) { return now.handle->queued(); });
}

void Producer::end_fatally() {
  now_.with([](const Now& now) { now.handle->end_fatally(); });
}

}  // namespace fiso::kafka
