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
  // What was read ahead from a side goes out first. In all cases but kDone the streams have been closed. Zero: no idle timeout.
  Task<End> run(std::string_view ahead_of_a, std::string_view ahead_of_b, Duration idle_timeout);
  // At once: for a drain.
  void stop() { close(End::kStopped, ByteStream::Close::kUsual); }

  uint64_t bytes_from_a() const { return bytes_from_a_; }
  uint64_t bytes_from_b() const { return bytes_from_b_; }

 private:
  Task<> carry(ByteStream& from, ByteStream& to, std::string_view ahead, uint64_t& count);
  static Task<> carry_back(Splice& self, std::string_view ahead, async::Gate::Pass pass);
  Task<SystemError> put(ByteStream& to, Gather& out, std::string_view bytes, uint64_t& count);
  Task<> pass_end_on(ByteStream& to);
  void moved();
  void close(End end, ByteStream::Close how);
  static void idle(void* self) noexcept;

  async::Shard& shard_;
  ByteStream &a_, &b_;
  async::Gate back_;
  Alarm idle_;
  Duration idle_timeout_{0};
  End end_ = End::kDone;
  bool closed_ = false;
  uint64_t bytes_from_a_ = 0, bytes_from_b_ = 0;
};

}  // namespace fiso::net
