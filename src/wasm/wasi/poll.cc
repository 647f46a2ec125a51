// poll_oneoff: waits for the first of several things, which are clocks, and descriptors to be readable or writable.
//
// Only stdin can be not ready, sockets, and streams of the host; files never block a poll. All subscriptions are read when the
// call is made and looked at again when the wait is over.
#include <algorithm>
#include <vector>

#include "wasm/wasi/calls.h"
#include "wasm/wasi/host_stream.h"
#include "wasm/wasi/sandbox_path.h"

namespace fiso::wasm::wasi::calls {
namespace {

struct Subscription {
  uint64_t userdata;
  uint8_t type;
  Fd fd;              // of a descriptor
  MonotonicTime due;  // of a clock
  Errno error;        // of a subscription that fails by itself, while the others may do well
};

struct Event {
  Errno error = Errno::kSuccess;
  uint64_t bytes = 0;
  uint16_t flags = 0;
};

MonotonicTime later(MonotonicTime now, uint64_t nanoseconds) {
  auto most = static_cast<uint64_t>(Duration(kNever - now).count());
  return nanoseconds >= most ? kNever : now + Duration(static_cast<int64_t>(nanoseconds));
}

// When a clock subscription is due, in the host's monotonic time.
MonotonicTime due_time(const Clock& clock, uint32_t id, uint64_t timeout, uint16_t flags) {
  MonotonicTime now = clock.now();
  if ((flags & subclockflags::kAbstime) == 0) return later(now, timeout);
  uint64_t reference = id == clockid::kRealtime ? static_cast<uint64_t>(clock.wall_now().time_since_epoch().count())
                                                : static_cast<uint64_t>(Duration(now.time_since_epoch()).count());
  return timeout <= reference ? now : later(now, timeout - reference);
}

// `at` has room for one, checked before.
OrErrno<Subscription> read_subscription(const Clock& clock, GuestMemory memory, uint64_t at) {
  Subscription read{.userdata = *memory.read<uint64_t>(at + subscription::kUserdata),
                    .type = *memory.read<uint8_t>(at + subscription::kTag),
                    .fd = *memory.read<uint32_t>(at + subscription::kFd),
                    .due = kNever,
                    .error = Errno::kSuccess};
  if (read.type > eventtype::kFdWrite) return tl::unexpected(Errno::kInval);
  if (read.type == eventtype::kClock) {
    auto id = *memory.read<uint32_t>(at + subscription::kClockId);
    if (id > clockid::kThreadCputime) {
      read.error = Errno::kInval;
    } else if (id > clockid::kMonotonic) {
      read.error = Errno::kNotsup;
    } else {
      read.due = due_time(clock, id, *memory.read<uint64_t>(at + subscription::kClockTimeout),
                          *memory.read<uint16_t>(at + subscription::kClockFlags));
    }
  }
  return read;
}

short awaited_events(const Subscription& subscription) { return subscription.type == eventtype::kFdRead ? POLLIN : POLLOUT; }

bool is_polled(const Descriptor& descriptor) { return descriptor.kind == Descriptor::Kind::kStream || descriptor.is_socket(); }

std::optional<Event> look_at_host(short events) {
  if (events == 0) return std::nullopt;
  bool ended = (events & (POLLHUP | POLLERR | POLLNVAL)) != 0;
  return Event{.bytes = 1, .flags = ended ? eventrwflags::kHangup : uint16_t{0}};
}

// What there is to tell about one subscription now; nothing if it has to wait. `events` is what poll(2) told of it.
std::optional<Event> look(Guest& guest, const Subscription& subscription, MonotonicTime now, short events) {
  if (subscription.error != Errno::kSuccess) return Event{.error = subscription.error};
  if (subscription.type == eventtype::kClock) return subscription.due <= now ? std::optional<Event>(Event{}) : std::nullopt;
  const Descriptor* descriptor = guest.fds().find(subscription.fd);
  bool reads = subscription.type == eventtype::kFdRead;
  if (descriptor == nullptr) return Event{.error = Errno::kBadf};
  if (!descriptor->may(rights::kPollFdReadwrite)) return Event{.error = Errno::kNotcapable};
  if (is_polled(*descriptor)) return look_at_host(events);
  if (descriptor->kind != Descriptor::Kind::kStdin || !reads) return Event{.bytes = 1};
  if (!guest.has_input()) return std::nullopt;
  uint64_t left = guest.input().remaining();
  return Event{.bytes = left, .flags = left == 0 ? eventrwflags::kHangup : uint16_t{0}};
}

void write_event(GuestMemory memory, uint64_t at, const Subscription& subscription, const Event& event) {
  std::memset(memory.at(at, event::kSize), 0, event::kSize);
  bool reports_bytes = subscription.type != eventtype::kClock;
  (void)(memory.write(at + event::kUserdata, subscription.userdata) && memory.write(at + event::kError, event.error) &&
         memory.write(at + event::kType, subscription.type));
  if (reports_bytes) (void)(memory.write(at + event::kNbytes, event.bytes) && memory.write(at + event::kFlags, event.flags));
}

class Poll {
 public:
  Poll(GuestPointer events, GuestPointer count) : events_(events), count_(count) {}

  // Writes an event for each subscription that is ready; none is fine.
  OrErrno<uint32_t> report(Guest& guest, GuestMemory memory) const {
    if (memory.at(events_, subscriptions_.size() * event::kSize) == nullptr) return tl::unexpected(Errno::kFault);
    MonotonicTime now = guest.clock().now();
    std::vector<pollfd> host = ask_host(guest);
    uint32_t ready = 0;
    for (size_t i = 0; i < subscriptions_.size(); ++i)
      if (auto event = look(guest, subscriptions_[i], now, host.empty() ? short{0} : host[i].revents))
        write_event(memory, events_ + uint64_t{ready++} * event::kSize, subscriptions_[i], *event);
    if (!memory.write(count_, ready)) return tl::unexpected(Errno::kFault);
    return ready;
  }

  // Reads `count` subscriptions; they lie inside memory.
  Errno read(const Clock& clock, GuestMemory memory, GuestPointer list, uint32_t count) {
    subscriptions_.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      auto subscription = read_subscription(clock, memory, list + uint64_t{i} * subscription::kSize);
      if (!subscription) return subscription.error();
      subscriptions_.push_back(*subscription);
    }
    return Errno::kSuccess;
  }

  MonotonicTime until() const {
    MonotonicTime first = kNever;
    for (const Subscription& subscription : subscriptions_) first = std::min(first, subscription.due);
    return first;
  }

  // True if stdin is waited for that was not given yet. After a report of nothing.
  bool waits_for_input(Guest& guest) const {
    return std::ranges::any_of(subscriptions_, [&](const Subscription& waiting) {
      return waiting.type != eventtype::kClock && guest.fds().find(waiting.fd)->kind == Descriptor::Kind::kStdin;
    });
  }

  // The host's streams and sockets that are waited for.
  std::vector<WatchedStream> watched(Guest& guest) const {
    std::vector<WatchedStream> watched;
    for (const Subscription& waiting : subscriptions_)
      if (const Descriptor* descriptor = polled_descriptor(guest, waiting))
        watched.push_back({descriptor->host, awaited_events(waiting)});
    return watched;
  }

  // Tells the keeper of a guest that lives on that connections are waited for.
  void tell(Guest& guest) const {
    if (guest.life() == nullptr) return;
    for (const Subscription& waiting : subscriptions_)
      if (const Descriptor* descriptor = polled_descriptor(guest, waiting))
        if (descriptor->kind == Descriptor::Kind::kListener) guest.life()->accepts(*descriptor->host);
  }

 private:
  static const Descriptor* polled_descriptor(Guest& guest, const Subscription& subscription) {
    if (subscription.type == eventtype::kClock) return nullptr;
    const Descriptor* descriptor = guest.fds().find(subscription.fd);
    return descriptor != nullptr && is_polled(*descriptor) ? descriptor : nullptr;
  }

  // One entry for each subscription, or none at all where the host need not be asked; never waits.
  std::vector<pollfd> ask_host(Guest& guest) const {
    std::vector<pollfd> host;
    for (size_t i = 0; i < subscriptions_.size(); ++i)
      if (const Descriptor* descriptor = polled_descriptor(guest, subscriptions_[i])) {
        host.resize(subscriptions_.size(), {.fd = -1, .events = 0, .revents = 0});
        host[i] = {.fd = descriptor->host->fd(), .events = awaited_events(subscriptions_[i]), .revents = 0};
      }
    if (!host.empty()) (void)::poll(host.data(), host.size(), 0);
    return host;
  }

  GuestPointer events_;
  GuestPointer count_;
  std::vector<Subscription> subscriptions_;
};

class PendingPoll final : public PendingCall {
 public:
  PendingPoll(Kind kind, Poll poll) : PendingCall(kind, poll.until()), poll_(std::move(poll)) {}
  // What kBlocking and kReady wait for; `most` is the time to the first clock.
  void watch(std::vector<WatchedStream> watched, Duration most, StopRequest stop) {
    watched_ = std::move(watched);
    most_ = most;
    stop_ = stop;
  }
  void run() override { wait_for_streams(watched_, most_, stop_); }
  std::span<const WatchedStream> watched() const override { return watched_; }
  bool wants_input() const override { return wants_input_; }
  void want_input() { wants_input_ = true; }
  bool step(Guest& guest, GuestMemory memory) override {
    auto ready = poll_.report(guest, memory);
    error_ = ready ? Errno::kSuccess : ready.error();
    return !ready || *ready != 0;
  }
  int32_t finish(Guest& guest, GuestMemory memory) override {
    if (kind() != Kind::kReady) (void)step(guest, memory);
    return static_cast<int32_t>(error_);
  }

 private:
  Poll poll_;
  std::vector<WatchedStream> watched_;
  Duration most_{};
  StopRequest stop_;
  bool wants_input_ = false;
  Errno error_ = Errno::kSuccess;
};

Outcome wait_for(Guest& guest, Poll poll) {
  using Kind = PendingCall::Kind;
  std::vector<WatchedStream> watched = poll.watched(guest);
  Duration most = poll.until() - guest.clock().now();
  bool wants_input = poll.waits_for_input(guest);
  bool lives_on = guest.life() != nullptr;
  Kind kind = lives_on ? Kind::kReady : wants_input ? Kind::kInput : watched.empty() ? Kind::kSleep : Kind::kBlocking;
  auto pending = std::make_unique<PendingPoll>(kind, std::move(poll));
  if (wants_input) pending->want_input();
  if (kind == Kind::kBlocking || kind == Kind::kReady) pending->watch(std::move(watched), most, guest.config().stop());
  return Outcome(std::move(pending));
}

}  // namespace

Outcome poll_oneoff(Guest& guest, GuestMemory memory, Args args) {
  GuestPointer list = args.u32(0);
  uint32_t count = args.u32(2);
  if (count == 0 || count > guest.limits().poll_subscriptions) return Errno::kInval;
  if (memory.at(list, uint64_t{count} * subscription::kSize) == nullptr) return Errno::kFault;
  Poll poll(args.u32(1), args.u32(3));
  if (Errno error = poll.read(guest.clock(), memory, list, count); error != Errno::kSuccess) return error;
  poll.tell(guest);
  auto ready = poll.report(guest, memory);
  if (!ready) return ready.error();
  if (*ready != 0) return Errno::kSuccess;
  return wait_for(guest, std::move(poll));
}

}  // namespace fiso::wasm::wasi::calls
