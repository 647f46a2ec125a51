#include "observe/stdout_log.h"

#include <pthread.h>
#include <signal.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <future>

#include "observe/line_writer.h"

namespace fiso::observe {
namespace {

using Queue = spdlog::details::thread_pool;

// Signals are for the threads that expect them, and a reader that went away (SIGPIPE) is only an error here.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

// Runs on the queue's thread, the only one that writes.
class DescriptorSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex>, private LogSink {
 public:
  explicit DescriptorSink(int fd) : writer_(fd) {}

  // The queue whose dropped lines are reported; to be called before the first line.
  void attach(Queue& queue) { queue_ = &queue; }
  void give_up_at(MonotonicTime deadline) { writer_.give_up_at(deadline); }
  uint64_t unwritten() const { return unwritten_.load(std::memory_order_relaxed); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    report_drops();
    write({message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

 private:
  void write(std::string_view line) override {
    if (!writer_.write(line)) unwritten_.fetch_add(1, std::memory_order_relaxed);
  }

  void report_drops() {
    uint64_t dropped = queue_->overrun_counter();
    if (dropped == reported_) return;
    log_.warn("log lines dropped", {{"count", dropped - reported_}, {"total", dropped}});
    reported_ = dropped;
  }

  LineWriter writer_;
  Log log_{*this, LogLevel::kWarn, "log"};
  Queue* queue_ = nullptr;
  uint64_t reported_ = 0;
  std::atomic<uint64_t> unwritten_{0};
};

}  // namespace

struct StdoutLog::Impl {
  explicit Impl(const StdoutLogOptions& options)
      : sink(std::make_shared<DescriptorSink>(options.fd)),
        queue(new Queue(options.queue_lines, 1, block_signals),
              [this](Queue* last) {
                std::default_delete<Queue>()(last);
                ended.set_value();
              }),
        logger(std::make_shared<spdlog::async_logger>("fiso", sink, queue, spdlog::async_overflow_policy::overrun_oldest)),
        exit_grace(options.exit_grace) {
    sink->attach(*queue);
    logger->set_error_handler([](const std::string&) {});
  }

  std::shared_ptr<DescriptorSink> sink;
  std::promise<void> ended;  // the queue, and its thread
  std::shared_ptr<Queue> queue;
  std::shared_ptr<spdlog::async_logger> logger;
  Duration exit_grace;
};

StdoutLog::StdoutLog(StdoutLogOptions options) : impl_(std::make_unique<Impl>(options)) {}

StdoutLog::~StdoutLog() { finish(); }

void StdoutLog::finish() {
  if (impl_->queue == nullptr) return;
  impl_->sink->give_up_at(std::chrono::steady_clock::now() + impl_->exit_grace);
  impl_->queue.reset();  // its thread ends behind the last line
  // A thread that is writing a line has the queue too, and may be the one that ends it.
  impl_->ended.get_future().wait_for(2 * impl_->exit_grace);
}

void StdoutLog::write(std::string_view line) {
  try {
    impl_->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): a line after finish() is written by nobody
  }
}

uint64_t StdoutLog::dropped() const { return impl_->queue->overrun_counter() + impl_->sink->unwritten(); }

}  // namespace fiso::observe
