// Runs a coroutine on a shard for a thread that is none, which waits for it: how the control thread ends what lives there.
#pragma once

#include <future>
#include <optional>
#include <type_traits>
#include <utility>

#include "async/spawn.h"

namespace fiso::async {

// `make_task` is called on the shard and returns the Task<T> to run; its value is the call's. Everything that the task refers to
// may go as soon as this has returned. Not from a shard, and without a deadline: the task has its own.
template <class F>
auto run_and_wait(Shard& shard, F make_task) {
  using T = typename std::invoke_result_t<F>::value_type;
  using Promise = std::promise<std::optional<std::conditional_t<std::is_void_v<T>, bool, T>>>;
  Promise promise;
  auto future = promise.get_future();
  // The promise is the coroutine's own, since the waiting thread goes on while its value is still being set.
  auto body = [](F& make, Promise out) -> Task<> {
    if constexpr (std::is_void_v<T>) {
      co_await make();
      out.set_value(true);
    } else {
      T value = co_await make();
      out.set_value(std::move(value));
    }
  };
  spawn(shard, body(make_task, std::move(promise)));
  if constexpr (std::is_void_v<T>) {
    future.get();
  } else {
    return std::move(*future.get());
  }
}

}  // namespace fiso::async
