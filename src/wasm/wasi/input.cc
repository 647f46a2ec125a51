#include "wasm/wasi/input.h"

#include <algorithm>
#include <cstring>

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

size_t Input::read(uint8_t* to, size_t length) {
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
