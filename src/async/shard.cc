#include "async/shard.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <latch>
#include <string>

#include "base/cgroup.h"
#include "base/check.h"

namespace fiso::async {
namespace {

thread_local Shard* this_shard = nullptr;

}  // namespace

Shard::Shard(unsigned index) : index_(index), context_(1), watchdog_(context_) {}

void Shard::post(std::function<void()> work) { asio::post(context_, std::move(work)); }

Shard& Shard::current() {
  FISO_CHECK(this_shard != nullptr, "not on a shard");
  return *this_shard;
}

void Shard::run() {
  this_shard = this;
  context_.run();
  this_shard = nullptr;
}

ShardSet::ShardSet(unsigned count) {
  FISO_CHECK(count > 0);
  for (unsigned i = 0; i < count; ++i) {
    shards_.push_back(std::make_unique<Shard>(i));
    work_.emplace_back(shards_.back()->executor());
  }
  try {
    for (auto& shard : shards_) {
      threads_.emplace_back([&shard] { shard->run(); });
      pthread_setname_np(threads_.back().native_handle(), ("shard-" + std::to_string(shard->index())).c_str());
    }
  } catch (...) {
    stop();
    throw;
  }
}

ShardSet::~ShardSet() { stop(); }

void ShardSet::stop() {
  for (auto& shard : shards_) shard->context().stop();
  for (auto& thread : threads_) thread.join();
}

void ShardSet::run_on_each(const std::function<void(Shard&)>& work) {
  std::latch done(count());
  for (auto& shard : shards_) {
    shard->post([&work, &done, &shard] {
      work(*shard);
      done.count_down();
    });
  }
  done.wait();
}

void ShardSet::run_on(unsigned index, const std::function<void(Shard&)>& work) {
  std::latch done(1);
  shards_[index]->post([&] {
    work(*shards_[index]);
    done.count_down();
  });
  done.wait();
}

unsigned ShardSet::suitable_count() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  unsigned allowed = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? static_cast<unsigned>(CPU_COUNT(&cpus))
                                                                   : std::thread::hardware_concurrency();
  return std::max(1u, std::min(allowed, read_cgroup_limits().cpus.value_or(allowed)));
}

}  // namespace fiso::async
