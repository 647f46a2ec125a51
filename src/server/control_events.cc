#include "server/control_events.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <initializer_list>
#include <utility>

namespace fiso::server {
namespace {

// How often a directory that is gone is looked for. Its parent may be gone too, so nobody would tell.
constexpr std::chrono::milliseconds kLookForIt{500};

void drain(int fd) {
  std::array<char, 4096> ignored;
  while (::read(fd, ignored.data(), ignored.size()) > 0) {}
}

// One of them: a second signal is news.
void take_one(int fd) {
  signalfd_siginfo info;
  [[maybe_unused]] ssize_t got = ::read(fd, &info, sizeof info);
}

FileHandle signals_of(std::initializer_list<int> numbers) {
  sigset_t signals;
  sigemptyset(&signals);
  for (int number : numbers) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return FileHandle(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

Result<ControlEvents> ControlEvents::make() {
  FileHandle stops = signals_of({SIGTERM, SIGINT}), reloads = signals_of({SIGHUP});
  std::signal(SIGPIPE, SIG_IGN);
  FileHandle requests(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stops || !reloads || !requests) return Error(ErrorCode::kInternal, errno_text(errno)).with_context("signalfd");
  return ControlEvents(std::move(stops), std::move(reloads), std::move(requests));
}

Result<ControlEvents::WatchId> ControlEvents::watch(const std::string& directory) {
  return add(PathWatch::of_directory(directory));
}

Result<ControlEvents::WatchId> ControlEvents::watch_file(const std::string& file) { return add(PathWatch::of_file(file)); }

Result<ControlEvents::WatchId> ControlEvents::add(Result<PathWatch> watch) {
  if (!watch.has_value()) return watch.take_error();
  watched_.push_back({std::move(*watch)});
  return watched_.size() - 1;
}

ControlEvent ControlEvents::wait(Duration longest) {
  std::vector<pollfd> polled{{stops_.get(), POLLIN, 0}, {reloads_.get(), POLLIN, 0}, {requests_.get(), POLLIN, 0}};
  bool some_lost = false;
  for (const Watched& one : watched_) {
    polled.push_back({one.watch.descriptor(), POLLIN, 0});
    some_lost = some_lost || one.watch.is_lost();
  }
  if (some_lost) longest = std::min<Duration>(longest, kLookForIt);
  int timeout = static_cast<int>(std::min<int64_t>(std::chrono::ceil<std::chrono::milliseconds>(longest).count(), 1 << 30));
  bool nothing_came = poll(polled.data(), polled.size(), timeout) <= 0;
  if (!nothing_came && polled[0].revents != 0) {
    take_one(stops_.get());
    return ControlEvent::kStop;
  }
  everybody_ = !nothing_came && (polled[1].revents != 0 || polled[2].revents != 0);
  drain(reloads_.get());
  drain(requests_.get());
  bool changed = false;
  for (Watched& one : watched_) {
    one.changed = nothing_came ? one.watch.is_lost() && one.watch.find() : one.watch.take_change();
    changed = changed || one.changed;
  }
  return everybody_ || changed ? ControlEvent::kReload : ControlEvent::kNone;
}

void ControlEvents::request_reload() {
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(requests_.get(), &one, sizeof one);  // full only if a reload is due anyway
}

}  // namespace fiso::server
