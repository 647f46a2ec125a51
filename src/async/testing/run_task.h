// async::run_and_wait() by the name that tests call it. The test's own deadline is CTest's.
#pragma once

#include <utility>

#include "async/run_and_wait.h"

namespace fiso::testing {

template <class F>
auto run_task(async::Shard& shard, F make_task) {
  return async::run_and_wait(shard, std::move(make_task));
}

}  // namespace fiso::testing
