// The bytes a connection has read and not yet used. Small while a connection waits, larger while much arrives.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace fiso::net {

class ReadBuffer {
 public:
  std::string_view data() const { return {memory_.get() + begin_, end_ - begin_}; }
  void consume(size_t bytes) { begin_ += bytes; }

  // Where to read to; only when everything has been consumed.
  std::span<char> space() {
    if (memory_ == nullptr || full_) {
      capacity_ = memory_ == nullptr ? kSmall : std::min(2 * capacity_, kLarge);
      memory_ = std::make_unique_for_overwrite<char[]>(capacity_);
    }
    begin_ = end_ = 0;
    return {memory_.get(), capacity_};
  }
  void filled(size_t bytes) {
    end_ = bytes;
    full_ = bytes == capacity_ && capacity_ < kLarge;
  }

  size_t capacity() const { return capacity_; }

  // Gives the memory of a large transfer back; only when everything has been consumed.
  void shrink() {
    if (capacity_ <= kSmall) return;
    memory_.reset();
    begin_ = end_ = capacity_ = 0;
    full_ = false;
  }

 private:
  static constexpr size_t kSmall = 4 << 10;
  static constexpr size_t kLarge = 64 << 10;
  std::unique_ptr<char[]> memory_;
  size_t capacity_ = 0, begin_ = 0, end_ = 0;
  bool full_ = false;  // the last read used all of it: more room saves system calls
};

}  // namespace fiso::net
