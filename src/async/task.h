// Task<T>: a lazy coroutine that runs on its caller's shard.
//
// Awaiting it starts it; nothing runs in parallel unless it was spawned (async/spawn.h). References it takes must outlive
// its completion, which they do when the caller awaits it at once. Errors travel as Result<T>; nothing throws.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace fiso {

namespace asio = boost::asio;

namespace async {

using Executor = asio::io_context::executor_type;

// What to pass to an Asio operation: with `kTask` it throws, with `kTuple` the error code is a value.
inline constexpr asio::use_awaitable_t<Executor> kTask;
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> kTuple{kTask};

}  // namespace async

template <class T = void>
using Task = asio::awaitable<T, async::Executor>;

}  // namespace fiso
