#include "net/splice.h"

#include <algorithm>
#include <utility>

#include "async/spawn.h"
#include "net/read_buffer.h"

namespace fiso::net {

Splice::Splice(async::Shard& shard, ByteStream& a, ByteStream& b)
    : shard_(shard), a_(a), b_(b), back_(shard.executor()), idle_(shard.watchdog(), this, idle) {}

auto Splice::run(std::string_view ahead_of_a, std::string_view ahead_of_b, Patience patience) -> Task<End> {
  patience_ = patience;
  moved();
  async::spawn(shard_, carry_back(*this, ahead_of_b, back_.enter()));
  co_await carry(a_, b_, ahead_of_a, from_a_);
  co_await back_.wait_empty();
  idle_.clear();
  co_return end_;
}

Task<> Splice::carry_back(Splice& self, std::string_view ahead, [[maybe_unused]] async::Gate::Pass pass) {
  co_await self.carry(self.b_, self.a_, ahead, self.from_b_);
}

Task<> Splice::carry(ByteStream& from, ByteStream& to, std::string_view ahead, Direction& direction) {
  ReadBuffer buffer;
  Gather out;
  SystemError error = co_await put(to, out, ahead, direction);
  while (!error && !closed_) {
    auto [end, bytes] = co_await from.read_some(buffer.space());
    if (closed_) co_return;
    direction.ended = bytes == 0;
    if (direction.ended) moved();  // on other terms, perhaps
    if (bytes == 0 && is_end(end)) co_return co_await pass_end_on(to);
    error = end;
    if (bytes == 0) break;
    buffer.filled(bytes);
    error = co_await put(to, out, buffer.data(), direction);
    buffer.consume(bytes);
  }
  close(End::kBroken, ByteStream::Close::kReset);
}

Task<SystemError> Splice::put(ByteStream& to, Gather& out, std::string_view bytes, Direction& direction) {
  if (bytes.empty()) co_return SystemError();
  moved();
  direction.last = std::chrono::steady_clock::now();
  direction.putting = true;
  out.clear();
  out.add(bytes);
  SystemError error = to.write_now(out);
  if (error == asio::error::would_block)
    error = co_await to.write(out, this, [](void* self, size_t) { static_cast<Splice*>(self)->moved(); });
  direction.putting = false;
  if (!error) direction.bytes += bytes.size();
  if (!error && direction.counter != nullptr) direction.counter->increment(bytes.size());
  co_return error;
}

Task<> Splice::pass_end_on(ByteStream& to) {
  if (to.half_closes())
    co_await to.finish_writing();
  else
    close(End::kDone, ByteStream::Close::kUsual);
}

bool Splice::is_settled(Duration quiet) const {
  bool answer_may_come = from_a_.bytes != 0 && from_a_.last > from_b_.last && !from_b_.ended;
  if (answer_may_come || from_a_.putting || from_b_.putting) return false;
  return std::chrono::steady_clock::now() - std::max(from_a_.last, from_b_.last) >= quiet;
}

void Splice::moved() {
  Duration patience = from_b_.ended && patience_.after_end > Duration::zero() ? patience_.after_end : patience_.idle;
  if (patience > Duration::zero() && !closed_) idle_.set(std::chrono::steady_clock::now() + patience);
}

void Splice::close(End end, ByteStream::Close how) {
  if (std::exchange(closed_, true)) return;
  end_ = end;
  a_.close(how);
  b_.close(how);
}

void Splice::idle(void* self) noexcept { static_cast<Splice*>(self)->close(End::kIdle, ByteStream::Close::kUsual); }

}  // namespace fiso::net
