#include "server/path_watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

namespace fiso::server {
namespace {

// How long a directory must be quiet before its changes count as one.
constexpr int kSettleMs = 50;
constexpr int kMostSettles = 20;

constexpr uint32_t kChanges =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF;
// Of the watched file itself, whatever links lead to it: its content may change where no watched directory tells.
constexpr uint32_t kFileChanges = IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;
// Of the names in the parent. Added to what is watched already: a link may lead to its own parent.
constexpr uint32_t kParentChanges = IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_MASK_ADD;

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

PathWatch::PathWatch(const std::string& directory, std::string file)
    : inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      directory_(directory),
      file_(std::move(file)),
      file_state_(state_of(file_)) {
  std::error_code failed;
  std::filesystem::path path = std::filesystem::absolute(directory, failed);
  while (path.has_parent_path() && path != path.parent_path() && (!path.has_filename() || path.filename() == "."))
    path = path.parent_path();
  bool has_name = path.has_filename() && path.filename() != "..";
  parent_ = has_name ? path.parent_path().string() : "";
  name_ = has_name ? path.filename().string() : "";
}

Result<PathWatch> PathWatch::of_directory(const std::string& directory) { return armed(PathWatch(directory, "")); }

Result<PathWatch> PathWatch::of_file(const std::string& file) {
  std::filesystem::path directory = std::filesystem::path(file).parent_path();
  return armed(PathWatch(directory.empty() ? "." : directory.string(), file));
}

Result<PathWatch> PathWatch::armed(PathWatch watch) {
  if (watch.inotify_ && watch.arm()) return watch;
  return Error(ErrorCode::kUnavailable, errno_text(errno)).with_context("watch " + watch.directory_);
}

// A path that leads to the same directory as before gives the same number again.
bool PathWatch::arm() {
  auto renew = [this](int& known, const std::string& path, uint32_t changes) {
    int renewed = path.empty() ? -1 : inotify_add_watch(inotify_.get(), path.c_str(), changes);
    int error = errno;
    // What was watched may live on under another name.
    if (known >= 0 && known != renewed) inotify_rm_watch(inotify_.get(), known);
    known = renewed;
    errno = error;
  };
  renew(file_watch_, file_, kFileChanges);
  renew(parent_watch_, parent_, kParentChanges | IN_ONLYDIR);
  renew(directory_watch_, directory_, kChanges | IN_MASK_ADD | IN_ONLYDIR);
  return directory_watch_ >= 0;
}

// Armed again before the reload reads the directory, so that no change after the reading is missed.
bool PathWatch::take_change() {
  if (!read_events()) return false;
  pollfd watched{inotify_.get(), POLLIN, 0};
  for (int i = 0; i < kMostSettles && poll(&watched, 1, kSettleMs) > 0; ++i) read_events();
  arm();
  return file_changed();
}

bool PathWatch::read_events() {
  alignas(inotify_event) std::array<char, 4096> buffer;
  bool concerned = false;
  for (ssize_t length; (length = ::read(inotify_.get(), buffer.data(), buffer.size())) > 0;) {
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

bool PathWatch::file_changed() {
  if (file_.empty()) return true;
  std::string before = std::exchange(file_state_, state_of(file_));
  return file_state_ != before;
}

}  // namespace fiso::server
