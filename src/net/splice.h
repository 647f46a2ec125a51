// Carries bytes between two streams, both ways, until both sides have ended.
//
// An end of one side is passed on while the other direction goes on, where the stream can say so (TLS cannot: there it ends
// the whole). What breaks one side resets the other. Memory: one buffer per direction. Threading: shard-local.
#pragma once

#include <cstdint>
#include <string_view>

#include "async/gate.h"
#include "async/shard.h"
#include "net/alarm.h"
#include "net/byte_stream.h"
#include "observe/metrics.h"

namespace fiso::net {

class Splice {
 public:
  // The streams are borrowed, and nobody else reads or writes them meanwhile.
  Splice(async::Shard& shard, ByteStream& a, ByteStream& b);

  enum class End {
    kDone,     // both sides have ended; the streams are still open
    kIdle,     // nothing moved for too long
    kBroken,   // one side failed
    kStopped,  // by stop()
  };
  // How long nothing may move. Zero: for ever.
  struct Patience {
    Duration idle{0};
    Duration after_end{0};  // once b has ended: whoever answers a is gone, and a may not have noticed
  };
  // What was read ahead from a side goes out first. In all cases but kDone the streams have been closed.
  Task<End> run(std::string_view ahead_of_a, std::string_view ahead_of_b, Patience patience);
  // At once: for a drain.
  void stop() { close(End::kStopped, ByteStream::Close::kUsual); }

  // Counts bytes there as they are taken.
  void count_into(observe::Counter& from_a, observe::Counter& from_b) { from_a_.counter = &from_a, from_b_.counter = &from_b; }

  // a waits for no answer: b had the last word, or will say no more, that long ago, and all of it has been taken.
  bool is_settled(Duration quiet) const;

 private:
  struct Direction {
    uint64_t bytes = 0;
    MonotonicTime last = std::chrono::steady_clock::now();  // when some were read
    bool putting = false;
    bool ended = false;
    observe::Counter* counter = nullptr;
  };
  Task<> carry(ByteStream& from, ByteStream& to, std::string_view ahead, Direction& direction);
  static Task<> carry_back(Splice& self, std::string_view ahead, async::Gate::Pass pass);
  Task<SystemError> put(ByteStream& to, Gather& out, std::string_view bytes, Direction& direction);
  Task<> pass_end_on(ByteStream& to);
  void moved();
  void close(End end, ByteStream::Close how);
  static void idle(void* self) noexcept;

  async::Shard& shard_;
  ByteStream &a_, &b_;
  async::Gate back_;
  Alarm idle_;
  Patience patience_;
  End end_ = End::kDone;
  bool closed_ = false;
  Direction from_a_, from_b_;
};

}  // namespace fiso::net
