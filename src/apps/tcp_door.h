// A public port of an app whose protocol is none of ours: its connections are carried, byte for byte, to a port of the guest that
// lives on.
//
// While the app is not healthy, connections wait as requests do (app_state.h), and then are closed. Shard-local.
#pragma once

#include <functional>
#include <string>

#include "apps/app_state.h"
#include "net/http_service.h"
#include "net/splice_service.h"
#include "observe/sampled_log.h"

namespace fiso::apps {

// Of one app; all of its ports and shards count into it.
net::SpliceSeries tcp_series(const observe::SeriesGroup& app);

class TcpDoor final : public net::HttpService, private net::SpliceService {
 public:
  struct Parts {
    AppState& state;
    std::function<uint16_t()> private_port;  // where the guest listens now, 0 while it does not
    net::SpliceSeries series;
    observe::Log log;  // carries the app's name
  };
  explicit TcpDoor(Parts parts);

  net::SpliceService* splicing() override { return this; }
  // Never asked: its connections are no HTTP.
  Task<net::HttpResponse> call(net::HttpRequest&) override { co_return net::text_response(500, "no requests are served here"); }

 private:
  Task<Result<boost::asio::ip::tcp::endpoint>> find_target() override;
  void failed(const Error& error) override;
  const net::SpliceSeries& series() const override { return parts_.series; }

  Parts parts_;
  observe::SampledLog failed_log_;
};

}  // namespace fiso::apps
