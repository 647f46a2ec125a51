// The three channels to one guest in a worker: its stdin and stdout, its stderr, and what its worker says of it.
//
// Everything is read as it comes and kept until it is asked for; whoever drives the guest waits for `changed`. Shard-local.
// Held by shared_ptr: what the event loop still has keeps it alive for a moment after close().
#pragma once

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "async/shard.h"
#include "async/signal.h"
#include "wasm/worker/packets.h"

namespace fiso::wasm::worker {

class GuestChannel : public std::enable_shared_from_this<GuestChannel> {
 public:
  // What is told of the guest, as it is told. Called on the shard, in the middle of the channel's work.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void stderr_text(std::string_view text) = 0;
    virtual void told(std::span<const std::string_view> words) = 0;
  };

  struct Ends {
    SocketPair stdio;  // the guest's end is kept: it tells, after the guest's death, what nobody has read
    FileHandle errors;
    FileHandle status;
  };
  // `listener` outlives close().
  GuestChannel(async::Shard& shard, Ends ends, Listener& listener);
  void open();
  // The worker's end of the guest, if it still lives, follows.
  void close();

  // Sends more input; `end` after it if that is all.
  enum class End { kFollows, kNo };
  void write(std::string text, End end);
  uint64_t written() const { return written_; }  // what was handed to write() so far
  // Bytes of that which the guest has not read. Until close().
  uint64_t unread() const;

  std::string& output() { return output_; }
  // Reads what the guest has written and is not here yet, until there are `most` bytes of output. What a guest wrote before
  // its end was told is there when that is.
  void drain(size_t most);
  // False once the end of the guest has been told, be it that nobody has looked yet.
  bool has_guest();
  // The worker has nothing more to say.
  bool lost() const { return lost_; }
  // Set whenever any of this changes.
  async::Signal changed;

 private:
  using Descriptor = asio::posix::basic_stream_descriptor<async::Executor>;
  using Read = bool (GuestChannel::*)();
  // Calls `read` whenever there is something, until it says that nothing more comes.
  void watch(Descriptor& descriptor, Read read);
  // False once nothing more comes.
  bool read_output();
  bool read_errors();
  bool read_status();
  // A guest's last output comes with how it ended, behind all that is in the stream: the packet without it.
  std::string take_output(std::string_view packet);
  void write_more();

  Descriptor stdio_;
  FileHandle stdio_of_guest_;
  Descriptor errors_;
  Descriptor status_;
  Listener* listener_;
  std::string output_;
  std::string unsent_;
  size_t sent_ = 0;
  uint64_t written_ = 0;
  bool end_follows_ = false;
  bool lost_ = false;
  bool writing_ = false;
};

}  // namespace fiso::wasm::worker
