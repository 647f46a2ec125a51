// Starts a coroutine beside its caller. The coroutine takes values, and a Gate::Pass when its owner must outlive it.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <utility>

#include "async/shard.h"
#include "async/task.h"

namespace fiso::async {

// On `shard`, from any thread. An exception that escapes is a bug and ends the process.
inline void spawn(Shard& shard, Task<> task) {
  asio::co_spawn(shard.executor(), std::move(task), [](std::exception_ptr error) {
    if (error) std::terminate();
  });
}

}  // namespace fiso::async
