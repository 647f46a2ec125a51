#include "wasm/worker/guest_channel.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include "base/check.h"

namespace fiso::wasm::worker {
namespace {

constexpr size_t kChunk = 64 * 1024;
constexpr std::string_view kWrote("wrote\0", 6);
constexpr int kMostReads = 64;               // of output that is there already, and of which a socket holds less
constexpr size_t kMostErrors = 1024 * 1024;  // a pipe holds less; a guest that goes on writing is not waited for

// What is read goes here first. Not into the text itself: its room would be filled with zeros first, and most reads are of little
// or nothing.
std::array<char, kChunk>& chunk() {
  thread_local std::array<char, kChunk> bytes;
  return bytes;
}

// Descriptors are non-blocking. A negative count with EAGAIN: nothing there.
ssize_t read_some(int fd, std::string& text) {
  std::array<char, kChunk>& part = chunk();
  ssize_t count = 0;
  do {
    count = read(fd, part.data(), part.size());
  } while (count < 0 && errno == EINTR);
  if (count > 0) text.append(part.data(), static_cast<size_t>(count));
  return count;
}

}  // namespace

GuestChannel::GuestChannel(async::Shard& shard, Ends ends, Listener& listener)
    : changed(shard.executor()),
      stdio_(shard.executor(), ends.stdio.ours.release()),
      stdio_of_guest_(std::move(ends.stdio.theirs)),
      errors_(shard.executor(), ends.errors.release()),
      status_(shard.executor(), ends.status.release()),
      listener_(&listener) {}

void GuestChannel::open() {
  watch(stdio_, &GuestChannel::read_output);
  watch(errors_, &GuestChannel::read_errors);
  watch(status_, &GuestChannel::read_status);
}

void GuestChannel::close() {
  listener_ = nullptr;
  boost::system::error_code ignored;
  for (Descriptor* descriptor : {&status_, &stdio_, &errors_}) descriptor->close(ignored);
  stdio_of_guest_ = FileHandle();
}

void GuestChannel::watch(Descriptor& descriptor, Read read) {
  descriptor.async_wait(Descriptor::wait_read, [self = shared_from_this(), &descriptor, read](boost::system::error_code error) {
    if (error || self->listener_ == nullptr) return;
    bool more = (self.get()->*read)();
    self->changed.set();
    if (more && self->listener_ != nullptr) self->watch(descriptor, read);
  });
}

bool GuestChannel::read_output() {
  ssize_t count = read_some(stdio_.native_handle(), output_);
  return count > 0 || (count < 0 && errno == EAGAIN);
}

bool GuestChannel::read_errors() {
  std::string text;
  ssize_t count = read_some(errors_.native_handle(), text);
  if (count > 0) listener_->stderr_text(text);
  return count > 0 || (count < 0 && errno == EAGAIN);
}

bool GuestChannel::read_status() {
  std::array<char, kChunk>& packet = chunk();
  ssize_t length = recv(status_.native_handle(), packet.data(), packet.size(), MSG_DONTWAIT);
  if (length > 0) {
    std::string told = take_output({packet.data(), static_cast<size_t>(length)});
    auto words = split_words(told);
    if (!words.empty()) listener_->told(words);
    return true;
  }
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  lost_ = true;
  return false;
}

std::string GuestChannel::take_output(std::string_view packet) {
  if (!packet.starts_with(kWrote)) return std::string(packet);
  packet.remove_prefix(kWrote.size());
  size_t size = 0, digits = std::min(packet.find('\0'), packet.size());
  std::from_chars(packet.data(), packet.data() + digits, size);
  packet.remove_prefix(std::min(digits + 1, packet.size()));
  size = std::min(size, packet.size());
  std::string output(packet.substr(0, size)), told(packet.substr(size));
  for (int i = 0; i < kMostReads && read_some(stdio_.native_handle(), output_) > 0; ++i) {}
  output_ += output;
  return told;
}

bool GuestChannel::has_guest() {
  char packet[8];
  ssize_t length = recv(status_.native_handle(), packet, sizeof packet, MSG_PEEK | MSG_DONTWAIT);
  if (length <= 0) return length < 0 && errno == EAGAIN;
  std::string_view told(packet, static_cast<size_t>(length));
  return !told.starts_with("gone") && !told.starts_with("exit") && !told.starts_with("trap") && !told.starts_with("wrote");
}

uint64_t GuestChannel::unread() const {
  int waits = 0;
  if (ioctl(stdio_of_guest_.get(), FIONREAD, &waits) != 0) return 0;
  return static_cast<uint64_t>(waits) + (unsent_.size() - sent_);
}

void GuestChannel::drain(size_t most) {
  while (output_.size() < most && read_some(stdio_.native_handle(), output_) > 0) {}
  std::string text;
  while (text.size() < kMostErrors && read_some(errors_.native_handle(), text) > 0) {}
  if (!text.empty()) listener_->stderr_text(text);
}

void GuestChannel::write(std::string text, End end) {
  written_ += text.size();
  if (unsent_.empty()) {
    unsent_ = std::move(text);
  } else {
    unsent_ += text;
  }
  end_follows_ = end_follows_ || end == End::kFollows;
  if (!writing_) write_more();
}

// What a guest does not read, or not to the end, is its own affair.
void GuestChannel::write_more() {
  while (sent_ < unsent_.size()) {
    ssize_t count = send(stdio_.native_handle(), unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      writing_ = true;
      stdio_.async_wait(Descriptor::wait_write, [self = shared_from_this()](boost::system::error_code error) {
        self->writing_ = false;
        if (!error && self->listener_ != nullptr) self->write_more();
      });
      return;
    }
    if (count < 0) break;
    sent_ += static_cast<size_t>(count);
  }
  unsent_.clear();
  sent_ = 0;
  if (end_follows_) shutdown(stdio_.native_handle(), SHUT_WR);
}

}  // namespace fiso::wasm::worker
