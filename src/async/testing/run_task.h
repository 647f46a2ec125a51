// Runs a coroutine on a shard from a test and hands its value back. The test's own deadline is CTest's.
#pragma once

#include <future>
#include <optional>
#include <utility>

#include "async/spawn.h"

namespace fiso::testing {

// `make_task` is called on the shard and returns the Task<T> to run.
template <class F>
auto run_task(async::Shard& shard, F make_task) {
  using T = typename std::invoke_result_t<F>::value_type;
  std::promise<std::optional<std::conditional_t<std::is_void_v<T>, bool, T>>> promise;
  auto future = promise.get_future();
  auto body = [](F& make, decltype(promise)& out) -> Task<> {
    if constexpr (std::is_void_v<T>) {
      co_await make();
      out.set_value(true);
    } else {
      out.set_value(co_await make());
    }
  };
  shard.post([&] { async::spawn(shard, body(make_task, promise)); });
  if constexpr (std::is_void_v<T>) {
    future.get();
  } else {
    return std::move(*future.get());
  }
}

}  // namespace fiso::testing
