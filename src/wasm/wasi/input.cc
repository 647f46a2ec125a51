#include "wasm/wasi/input.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fiso::wasm::wasi {

void Input::give(std::span<const std::string_view> pieces, InputEnd end) {
  pieces_ = pieces;
  piece_ = 0;
  offset_ = 0;
  size_ = 0;
  for (std::string_view piece : pieces) size_ += piece.size();
  remaining_ = size_;
  given_ = true;
  ended_ = end == InputEnd::kEof;
}

void Input::finish() {
  given_ = true;
  ended_ = true;
}

void Input::gather() {
  gathered_.append(added_, added_read_);
  added_.clear();
  added_read_ = 0;
  if (pieces_.empty()) remaining_ = 0;
}

void Input::append(std::string text) {
  given_ = true;
  remaining_ += text.size();
  if (added_read_ == added_.size()) {
    added_ = std::move(text);
    added_read_ = 0;
  } else {
    added_.erase(0, std::exchange(added_read_, 0));
    added_ += text;
  }
}

size_t Input::read_added(uint8_t* to, size_t length) {
  size_t count = std::min(length, added_.size() - added_read_);
  std::memcpy(to, added_.data() + added_read_, count);
  added_read_ += count;
  remaining_ -= count;
  if (added_read_ == added_.size()) added_.clear(), added_read_ = 0;
  return count;
}

size_t Input::read(uint8_t* to, size_t length) {
  if (pieces_.empty()) return added_.empty() ? 0 : read_added(to, length);
  size_t done = 0;
  while (done < length && remaining_ != 0) {
    std::string_view rest = pieces_[piece_].substr(offset_);
    size_t count = std::min(rest.size(), length - done);
    if (count != 0) std::memcpy(to + done, rest.data(), count);
    done += count;
    remaining_ -= count;
    offset_ += count;
    if (offset_ == pieces_[piece_].size()) {
      ++piece_;
      offset_ = 0;
    }
  }
  return done;
}

size_t Input::read_at(uint64_t offset, uint8_t* to, size_t length) const {
  if (pieces_.empty()) return offset >= gathered_.size() ? 0 : gathered_.copy(reinterpret_cast<char*>(to), length, offset);
  size_t done = 0;
  for (std::string_view piece : pieces_) {
    if (done == length) break;
    if (offset >= piece.size()) {
      offset -= piece.size();
      continue;
    }
    size_t count = std::min(piece.size() - static_cast<size_t>(offset), length - done);
    std::memcpy(to + done, piece.data() + offset, count);
    done += count;
    offset = 0;
  }
  return done;
}

}  // namespace fiso::wasm::wasi
