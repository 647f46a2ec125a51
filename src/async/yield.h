// Lets everything that is ready on this shard have its turn first.
//
// Before a send it makes the sends of one round of the event loop go out together: the process at the other end is woken once
// for all of them instead of once for each, and waking it is the dearest part of sending on a local network. Threading: any
// shard.
#pragma once

#include <boost/asio/post.hpp>

#include "async/shard.h"

namespace fiso::async {

inline Task<> yield(Shard& shard) { co_await asio::post(shard.executor(), kTask); }

}  // namespace fiso::async
