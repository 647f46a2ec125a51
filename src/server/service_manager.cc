#include "server/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace fiso::server {
namespace {

using std::chrono::microseconds;

constexpr std::chrono::hours kNotSoon{1};
// How long reading a configuration may take; as the unit gives the first start.
constexpr std::chrono::minutes kReload{5};
// Signs of life come that much more often than is expected, so that one may be late.
constexpr int kOften = 3;

std::string taken_from_environment(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value != nullptr ? value : "";
  unsetenv(name);
  return text;
}

std::string watchdog_line(Duration every) {
  return "WATCHDOG_USEC=" + std::to_string(std::chrono::duration_cast<microseconds>(every).count());
}

}  // namespace

ServiceManager::Options ServiceManager::of_environment() {
  Options options{.socket = taken_from_environment("NOTIFY_SOCKET")};
  std::string every = taken_from_environment("WATCHDOG_USEC"), whose = taken_from_environment("WATCHDOG_PID");
  int64_t usec = 0;
  auto [end, error] = std::from_chars(every.data(), every.data() + every.size(), usec);
  bool is_number = error == std::errc() && end == every.data() + every.size();
  bool is_ours = whose.empty() || whose == std::to_string(getpid());
  if (is_number && is_ours && usec > 0) options.watchdog = microseconds(usec);
  return options;
}

ServiceManager::ServiceManager(Options options, const Clock& clock) : options_(std::move(options)), clock_(clock) {
  if (!options_.socket.empty()) socket_ = FileHandle(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void ServiceManager::send(std::string_view lines) const {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (!socket_ || options_.socket.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, options_.socket.data(), options_.socket.size());
  size_t length = offsetof(sockaddr_un, sun_path) + options_.socket.size();
  if (options_.socket.front() == '@')
    address.sun_path[0] = '\0';
  else
    ++length;  // the zero at the end is part of a path
  ::sendto(socket_.get(), lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
           static_cast<socklen_t>(length));
}

void ServiceManager::ready() {
  std::string lines = "READY=1\nSTATUS=serving";
  // The patience of before, if reloading() has changed it, and a sign of life.
  if (options_.watchdog > Duration::zero()) lines += "\n" + watchdog_line(options_.watchdog) + "\nWATCHDOG=1";
  send(lines);
}

void ServiceManager::reloading() {
  std::string lines = "RELOADING=1\nSTATUS=reading the configuration";
  auto now = std::chrono::duration_cast<microseconds>(clock_.now().time_since_epoch());
  lines += "\nMONOTONIC_USEC=" + std::to_string(now.count());
  if (options_.watchdog > Duration::zero()) lines += "\n" + watchdog_line(std::max<Duration>(kReload, options_.watchdog));
  send(lines);
}

void ServiceManager::stopping() { send("STOPPING=1\nSTATUS=finishing what is under way"); }

Duration ServiceManager::look(async::ShardSet& shards) {
  if (!socket_ || options_.watchdog <= Duration::zero()) return kNotSoon;
  MonotonicTime now = clock_.now();
  if (unanswered_ == nullptr) {
    ask(shards);
    due_ = now;
  }
  if (now >= due_ && unanswered_->load(std::memory_order_acquire) == 0) {
    send("WATCHDOG=1");
    ask(shards);
    due_ = now + options_.watchdog / kOften;
  }
  // Late answers are looked for more often.
  return std::max<Duration>(due_ - now, options_.watchdog / (kOften * kOften));
}

void ServiceManager::ask(async::ShardSet& shards) {
  unanswered_ = std::make_shared<std::atomic<unsigned>>(shards.count());
  for (unsigned i = 0; i < shards.count(); ++i)
    shards[i].post([unanswered = unanswered_] { unanswered->fetch_sub(1, std::memory_order_release); });
}

}  // namespace fiso::server
