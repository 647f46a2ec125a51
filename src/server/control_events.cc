#include "server/control_events.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <initializer_list>
#include <utility>

namespace fiso::server {
namespace {

// How long a directory must be quiet before its changes count as one.
constexpr int kSettleMs = 50;
constexpr int kMostSettles = 20;
// How often a directory that is gone is looked for. Its parent may be gone too, so nobody would tell.
constexpr std::chrono::milliseconds kLookForIt{500};

constexpr uint32_t kChanges =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF;
// Of the watched file itself, whatever links lead to it: its content may change where no watched directory tells.
constexpr uint32_t kFileChanges = IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;
// Of the names in the parent. Added to what is watched already: a link may lead to its own parent.
constexpr uint32_t kParentChanges = IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_MASK_ADD;

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

// Equal for the same content of the same file; empty for none.
std::string state_of(const std::string& file) {
  struct stat found;
  if (::stat(file.c_str(), &found) != 0) return "";
  std::string state;
  for (auto number : {static_cast<int64_t>(found.st_dev), static_cast<int64_t>(found.st_ino), static_cast<int64_t>(found.st_size),
                      static_cast<int64_t>(found.st_mtim.tv_sec), static_cast<int64_t>(found.st_mtim.tv_nsec)})
    state += std::to_string(number) + " ";
  return state;
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
  std::error_code failed;
  std::filesystem::path path = std::filesystem::absolute(directory, failed);
  while (path.has_parent_path() && path != path.parent_path() && (!path.has_filename() || path.filename() == "."))
    path = path.parent_path();
  directory_ = directory;
  bool has_name = path.has_filename() && path.filename() != "..";
  parent_ = has_name ? path.parent_path().string() : "";
  name_ = has_name ? path.filename().string() : "";
  watch_ = FileHandle(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (watch_ && arm()) return {};
  Error error = Error(ErrorCode::kUnavailable, errno_text(errno)).with_context("watch " + directory);
  watch_ = FileHandle();
  return error;
}

Result<> ControlEvents::watch_file(const std::string& file) {
  file_ = file;
  file_state_ = state_of(file_);
  std::filesystem::path directory = std::filesystem::path(file).parent_path();
  return watch(directory.empty() ? "." : directory.string());
}

// A path that leads to the same directory as before gives the same number again.
bool ControlEvents::arm() {
  auto renew = [this](int& known, const std::string& path, uint32_t changes) {
    int renewed = path.empty() ? -1 : inotify_add_watch(watch_.get(), path.c_str(), changes);
    int error = errno;
    // What was watched may live on under another name.
    if (known >= 0 && known != renewed) inotify_rm_watch(watch_.get(), known);
    known = renewed;
    errno = error;
  };
  renew(file_watch_, file_, kFileChanges);
  renew(parent_watch_, parent_, kParentChanges | IN_ONLYDIR);
  renew(directory_watch_, directory_, kChanges | IN_MASK_ADD | IN_ONLYDIR);
  return directory_watch_ >= 0;
}

ControlEvent ControlEvents::wait(Duration longest) {
  std::array<pollfd, 4> watched{
      {{stops_.get(), POLLIN, 0}, {reloads_.get(), POLLIN, 0}, {requests_.get(), POLLIN, 0}, {watch_.get(), POLLIN, 0}}};
  if (lost_watch()) longest = std::min<Duration>(longest, kLookForIt);
  int timeout = static_cast<int>(std::min<int64_t>(std::chrono::ceil<std::chrono::milliseconds>(longest).count(), 1 << 30));
  if (poll(watched.data(), watched.size(), timeout) <= 0)
    return lost_watch() && arm() && file_changed() ? ControlEvent::kReload : ControlEvent::kNone;
  if (watched[0].revents != 0) {
    take_one(stops_.get());
    return ControlEvent::kStop;
  }
  bool asked = watched[1].revents != 0 || watched[2].revents != 0;
  drain(reloads_.get());
  drain(requests_.get());
  bool changed = watched[3].revents != 0 && settle();
  return asked || changed ? ControlEvent::kReload : ControlEvent::kNone;
}

bool ControlEvents::take_changes() {
  alignas(inotify_event) std::array<char, 4096> buffer;
  bool concerned = false;
  for (ssize_t length; (length = ::read(watch_.get(), buffer.data(), buffer.size())) > 0;) {
    for (ssize_t at = 0; at < length;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      bool of_directory = event->wd == directory_watch_ || event->wd == file_watch_ || (event->mask & IN_Q_OVERFLOW) != 0;
      bool of_its_name = event->wd == parent_watch_ && event->len > 0 && name_ == event->name;
      concerned = concerned || of_directory || of_its_name;
    }
  }
  return concerned;
}

// Armed again before the reload reads the directory, so that no change after the reading is missed.
bool ControlEvents::settle() {
  if (!take_changes()) return false;
  pollfd watched{watch_.get(), POLLIN, 0};
  for (int i = 0; i < kMostSettles && poll(&watched, 1, kSettleMs) > 0; ++i) take_changes();
  arm();
  return file_changed();
}

bool ControlEvents::file_changed() {
  if (file_.empty()) return true;
  std::string before = std::exchange(file_state_, state_of(file_));
  return file_state_ != before;
}

void ControlEvents::request_reload() {
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(requests_.get(), &one, sizeof one);  // full only if a reload is due anyway
}

}  // namespace fiso::server
