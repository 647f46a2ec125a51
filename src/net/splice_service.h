// A service that takes connections as they come, whatever protocol they speak: their bytes go to a target, and its bytes back.
//
// The server accepts, counts, drains and cuts such connections as it does those of HTTP; it connects, and keeps no deadline once
// that is done. Threading: shard-local.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "async/task.h"
#include "base/result.h"
#include "observe/metrics.h"

namespace fiso::net {

// Thread-safe.
struct SpliceSeries {
  observe::Gauge& open;
  observe::Counter& passed;
  observe::Counter& failed;
  observe::Counter& bytes_in;   // from clients
  observe::Counter& bytes_out;  // to them
};

class SpliceService {
 public:
  virtual ~SpliceService() = default;
  // Where a new connection goes. May wait for a target; an error closes the connection. It is asked again, for a moment, while
  // the target refuses.
  virtual Task<Result<boost::asio::ip::tcp::endpoint>> find_target() = 0;
  // A connection was closed for this.
  virtual void failed(const Error& error) = 0;
  virtual const SpliceSeries& series() const = 0;
};

}  // namespace fiso::net
