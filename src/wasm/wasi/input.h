// What a guest reads from stdin: a list of pieces that stay where they are, copied once, straight into guest memory.
//
// Or, for a guest that lives on, text that is added as it comes and dropped once it is read; what is left of it when the guest
// looks at its input as a file, and all that comes then, is the file's.
//
// Shard-local. Pieces are borrowed from give() until the run that they belong to has ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fiso::wasm::wasi {

// What comes after the pieces: the end, or another request later, for which a read waits.
enum class InputEnd { kEof, kMoreLater };

class Input {
 public:
  void give(std::span<const std::string_view> pieces, InputEnd end);
  // Adds to what is to be read of stdin. Never together with pieces.
  void append(std::string text);
  // Nothing will follow what was given so far.
  void finish();
  // Of text that is added: what is not read yet is the file's from now on, and not stdin's.
  void gather();

  // True once there has been any input, even an empty one: a file of it has a size from then on.
  bool given() const { return given_; }
  // True when a file of text that is added has its size.
  bool ended() const { return ended_; }
  // True if a read would not wait: bytes are left, or the end has come.
  bool readable() const { return remaining_ != 0 || ended_; }
  // Bytes of stdin not read yet.
  uint64_t remaining() const { return remaining_; }
  // Bytes of the file: of all pieces, or of what was gathered.
  uint64_t size() const { return pieces_.empty() ? gathered_.size() : size_; }

  // Copies the next bytes of stdin; less than `length` only when there are no more.
  size_t read(uint8_t* to, size_t length);
  // Copies bytes from `offset` on, without regard to what was read; less than `length` only at the end.
  size_t read_at(uint64_t offset, uint8_t* to, size_t length) const;

 private:
  size_t read_added(uint8_t* to, size_t length);

  std::span<const std::string_view> pieces_;
  size_t piece_ = 0;   // the next byte of stdin: the piece it is in
  size_t offset_ = 0;  // and where in it
  uint64_t size_ = 0;
  uint64_t remaining_ = 0;
  std::string added_;
  size_t added_read_ = 0;  // of it
  std::string gathered_;
  bool given_ = false;
  bool ended_ = false;
};

}  // namespace fiso::wasm::wasi
