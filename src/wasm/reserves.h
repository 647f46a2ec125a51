// Instances that stand idle, over all pools of the process: what runs may have when places or memory are used up.
//
// Runs come before reserves. Whoever cannot get a place or memory has idle instances destroyed here until that much is free:
// those of its own shard first and at once, the ones that have been idle for longest before the others; then those of the
// shards that have most. Freed room goes to whoever waits at the limiters. Threading: each call says; nothing is locked.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "async/shard.h"
#include "base/clock.h"

namespace fiso::wasm {

// Part of the process's capacity.
struct Room {
  uint64_t places = 0;
  uint64_t bytes = 0;

  bool empty() const { return places == 0 && bytes == 0; }
  void subtract(const Room& other) {
    places -= std::min(places, other.places);
    bytes -= std::min(bytes, other.bytes);
  }
};

// One pool's part, seen by those who are short of room. Shard-local.
class Reserve {
 public:
  // Since when the instance is idle that has been so for longest; kNever if there is none.
  virtual MonotonicTime idle_since() const = 0;
  // Destroys that one; the room that it had, or will have given back at the end of its slice.
  virtual Room drop_idle() = 0;

 protected:
  ~Reserve() = default;
};

class Reserves {
 public:
  explicit Reserves(async::ShardSet& shards);

  // On the reserve's shard.
  void add(Reserve& reserve);
  void remove(Reserve& reserve);
  // How many more (or fewer) are idle on this shard. Whoever has been counted here is found by those that begin to wait later.
  void count(int64_t change);

  // On a shard: what is idle here goes until so much has become free.
  void make_room_here(Room wanted);
  // The same, and then on other shards, soon.
  void make_room(Room wanted);
  // The same for those in the middle of a host call: nothing is destroyed before they have returned.
  void make_room_soon(Room wanted);

  async::ShardSet& shards() { return state_->shards; }

 private:
  struct alignas(64) Local {
    std::vector<Reserve*> reserves;  // touched on its shard only
    std::atomic<int64_t> idle{0};
  };
  // Shared with what is posted to shards and may arrive after this has gone.
  struct State : std::enable_shared_from_this<State> {
    explicit State(async::ShardSet& all_shards) : shards(all_shards), locals(all_shards.count()) {}
    Room drop_here(Room wanted);
    // `hops` bounds the way through the shards.
    void drop(Room wanted, unsigned hops);
    void drop_on(unsigned shard, Room wanted, unsigned hops);

    async::ShardSet& shards;
    std::vector<Local> locals;  // by shard
  };

  std::shared_ptr<State> state_;
};

}  // namespace fiso::wasm
