#include "wasm/reserves.h"

namespace fiso::wasm {

Reserves::Reserves(async::ShardSet& shards) : state_(std::make_shared<State>(shards)) {}

void Reserves::add(Reserve& reserve) { state_->locals[async::Shard::current().index()].reserves.push_back(&reserve); }

void Reserves::remove(Reserve& reserve) { std::erase(state_->locals[async::Shard::current().index()].reserves, &reserve); }

void Reserves::count(int64_t change) {
  // Sequentially consistent with the limiters' numbers of waiters: of a pool that keeps an instance and a run that begins to
  // wait, at least one sees the other.
  state_->locals[async::Shard::current().index()].idle.fetch_add(change, std::memory_order_seq_cst);
}

void Reserves::make_room_here(Room wanted) { state_->drop_here(wanted); }

void Reserves::make_room(Room wanted) { state_->drop(wanted, state_->shards.count()); }

void Reserves::make_room_soon(Room wanted) { state_->drop_on(async::Shard::current().index(), wanted, state_->shards.count()); }

// What is still wanted.
Room Reserves::State::drop_here(Room wanted) {
  std::vector<Reserve*>& reserves = locals[async::Shard::current().index()].reserves;
  while (!wanted.empty() && !reserves.empty()) {
    Reserve* oldest = *std::ranges::min_element(reserves, {}, &Reserve::idle_since);
    if (oldest->idle_since() == kNever) break;
    wanted.subtract(oldest->drop_idle());
  }
  return wanted;
}

void Reserves::State::drop(Room wanted, unsigned hops) {
  wanted = drop_here(wanted);
  if (wanted.empty() || hops == 0) return;
  unsigned here = async::Shard::current().index(), fullest = here;
  int64_t most = 0;
  for (unsigned i = 0; i < locals.size(); ++i) {
    int64_t idle = locals[i].idle.load(std::memory_order_seq_cst);
    if (i == here || idle <= most) continue;
    most = idle;
    fullest = i;
  }
  if (fullest != here) drop_on(fullest, wanted, hops - 1);
}

void Reserves::State::drop_on(unsigned shard, Room wanted, unsigned hops) {
  shards[shard].post([self = shared_from_this(), wanted, hops] { self->drop(wanted, hops); });
}

}  // namespace fiso::wasm
