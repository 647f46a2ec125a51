// An app whose guest serves HTTP itself: each request is passed on to it, on the private address where it listens.
//
// Bodies, answers and upgrades are streams, see net/relay.h. Connections to the guest are kept. A guest that serves one until it
// is closed would not see the next as long as any shard keeps an idle one: where the first answer on a new connection is waited
// for, all shards give up those that are idle. Shard-local.
#pragma once

#include <boost/container/small_vector.hpp>
#include <memory>

#include "apps/app_call.h"
#include "apps/resident_parts.h"
#include "net/http_client.h"
#include "net/streaming_service.h"
#include "observe/sampled_log.h"

namespace fiso::apps {

class ResidentHttp final : public net::StreamingService {
 public:
  explicit ResidentHttp(ResidentParts parts);
  ~ResidentHttp() override;
  ResidentHttp(const ResidentHttp&) = delete;

  Task<> serve(net::HttpRequest& head, net::ServerExchange& exchange) override;
  // POST /process.
  Task<Result<AppReply>> ask(const AppCall& call);
  // Asks the guest without counting it as traffic: the status of its answer, 503 for none.
  Task<int> probe(const net::HttpRequest& request, MonotonicTime deadline);

 private:
  // The way of one request to a guest.
  struct Search {
    MonotonicTime until;
    boost::container::small_vector<std::shared_ptr<net::HttpClient>, 1> found = {};
  };
  Task<Result<int>> pass_on(net::HttpRequest& head, net::ServerExchange& exchange);
  Task<net::HttpClient*> find_client(Search& search);
  Task<net::HttpClient*> find_other_client(Search& search);
  // For the guest that lives now; a client is gone when the last request that uses it is.
  std::shared_ptr<net::HttpClient> client_for(uint16_t port);
  Task<Result<AppReply>> process(const AppCall& call, MonotonicTime deadline);
  static void give_up_idle(const std::shared_ptr<ResidentPeers>& peers);
  net::HttpResponse failed(const Error& error);

  ResidentParts parts_;
  observe::SampledLog failed_log_;
  std::shared_ptr<net::HttpClient> client_;
  uint16_t client_port_ = 0;
};

}  // namespace fiso::apps
