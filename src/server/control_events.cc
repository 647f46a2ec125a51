#include "server/control_events.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <initializer_list>
#include <utility>

namespace fiso::server {
namespace {

// How long a directory must be quiet before its changes count as one.
constexpr int kSettleMs = 50;
constexpr int kMostSettles = 20;

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

Result<> ControlEvents::watch(const std::string& directory) {
  FileHandle watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  constexpr uint32_t kChanges = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR;
  if (!watch || inotify_add_watch(watch.get(), directory.c_str(), kChanges) < 0)
    return Error(ErrorCode::kUnavailable, errno_text(errno)).with_context("watch " + directory);
  watch_ = std::move(watch);
  return {};
}

ControlEvent ControlEvents::wait(Duration longest) {
  std::array<pollfd, 4> watched{
      {{stops_.get(), POLLIN, 0}, {reloads_.get(), POLLIN, 0}, {requests_.get(), POLLIN, 0}, {watch_.get(), POLLIN, 0}}};
  int timeout = static_cast<int>(std::min<int64_t>(std::chrono::ceil<std::chrono::milliseconds>(longest).count(), 1 << 30));
  if (poll(watched.data(), watched.size(), timeout) <= 0) return ControlEvent::kNone;
  if (watched[0].revents != 0) {
    take_one(stops_.get());
    return ControlEvent::kStop;
  }
  if (watched[1].revents != 0) drain(reloads_.get());
  if (watched[2].revents != 0) drain(requests_.get());
  if (watched[3].revents != 0) settle();
  return ControlEvent::kReload;
}

void ControlEvents::settle() {
  pollfd watched{watch_.get(), POLLIN, 0};
  for (int i = 0; i < kMostSettles; ++i) {
    drain(watch_.get());
    if (poll(&watched, 1, kSettleMs) <= 0) return;
  }
}

void ControlEvents::request_reload() {
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(requests_.get(), &one, sizeof one);  // full only if a reload is due anyway
}

}  // namespace fiso::server
