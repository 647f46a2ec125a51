#include "wasm/light/descriptor_watch.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>

#include "base/file_handle.h"

namespace fiso::wasm::light {
namespace {

constexpr int kMostEvents = 64;
constexpr size_t kFewEntries = 64;

static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT);

bool add_or_change(int epoll, int fd, uint32_t events) {
  epoll_event event{.events = events | EPOLLONESHOT, .data = {.fd = fd}};
  if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) == 0) return true;
  return errno == ENOENT && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Result<std::unique_ptr<DescriptorWatch>> DescriptorWatch::make(async::Shard& shard) {
  FileHandle epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return Error(ErrorCode::kInternal, errno_text(errno)).with_context("epoll_create1");
  auto loop = std::make_shared<Loop>(shard.executor(), epoll.get());
  (void)epoll.release();
  return std::unique_ptr<DescriptorWatch>(new DescriptorWatch(std::move(loop)));
}

DescriptorWatch::~DescriptorWatch() {
  disarm();
  boost::system::error_code ignored;
  loop_->descriptor.close(ignored);
}

void DescriptorWatch::arm(std::span<const wasi::WatchedStream> watched, async::Signal& ready) {
  if (watched.empty()) return;
  take_events();
  drop_closed(watched.size());
  for (const wasi::WatchedStream& stream : watched) {
    Entry& entry = entries_[stream.stream->fd()];
    if (entry.file.lock() != stream.stream) entry = {.file = stream.stream};
    entry.wanted |= static_cast<uint32_t>(stream.events);
  }
  for (const wasi::WatchedStream& stream : watched) {
    Entry& entry = entries_[stream.stream->fd()];
    if ((entry.armed & entry.wanted) != entry.wanted) {
      // One that cannot be watched is asked at once: its own calls say what is wrong with it.
      if (!add_or_change(loop_->descriptor.native_handle(), stream.stream->fd(), entry.wanted)) ready.set();
      entry.armed = entry.wanted;
    }
    entry.wanted = 0;
  }
  loop_->ready = &ready;
  if (std::exchange(loop_->waiting, true)) return;
  loop_->descriptor.async_wait(Loop::Descriptor::wait_read, [loop = loop_](boost::system::error_code error) {
    loop->waiting = false;
    if (!error && loop->ready != nullptr) loop->ready->set();
  });
}

void DescriptorWatch::disarm() {
  loop_->ready = nullptr;
  take_events();
}

void DescriptorWatch::drop_closed(size_t wanted) {
  if (entries_.size() > 2 * wanted + kFewEntries)
    std::erase_if(entries_, [](const auto& entry) { return entry.second.file.expired(); });
}

void DescriptorWatch::take_events() {
  std::array<epoll_event, kMostEvents> events;
  int count = kMostEvents;
  while (count == kMostEvents) {
    count = epoll_wait(loop_->descriptor.native_handle(), events.data(), kMostEvents, 0);
    for (int i = 0; i < count; ++i)
      if (auto entry = entries_.find(events[static_cast<size_t>(i)].data.fd); entry != entries_.end()) entry->second.armed = 0;
  }
}

}  // namespace fiso::wasm::light
