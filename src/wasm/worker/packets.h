// Packets of words: how we talk with worker processes.
//
// A packet is one message of a SOCK_SEQPACKET socket; each of its words ends with a NUL, and the first says what it is. What
// there is to say stands in native/wasmer-host/src/channel.rs. Descriptors travel beside the words.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_handle.h"
#include "base/result.h"
#include "wasm/run.h"

namespace fiso::wasm::worker {

// The largest packet that either side sends.
inline constexpr size_t kLargestPacket = kMostToldAtStart.count;

class PacketWriter {
 public:
  PacketWriter& add(std::string_view word) {
    bytes_.append(word);
    bytes_.push_back('\0');
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Views into `packet`.
std::vector<std::string_view> split_words(std::string_view packet);

// 0, or the errno: EAGAIN when the other side is behind, EPIPE or ECONNRESET when it is gone. Never blocks.
int send_packet(int socket, std::string_view packet, std::span<const int> descriptors = {});

struct SocketPair {
  FileHandle ours;    // non-blocking
  FileHandle theirs;  // blocking
};
// Both ends are closed on exec. `type`: SOCK_STREAM or SOCK_SEQPACKET.
Result<SocketPair> make_socket_pair(int type);
// The same for a pipe that is read by us.
Result<SocketPair> make_pipe();

}  // namespace fiso::wasm::worker
