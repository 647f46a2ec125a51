// The way of a request to a target: one line per layer, in serve(), each with the reason why it stands there.
//
// Threading: shard-local.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/gate.h"
#include "async/limiter.h"
#include "async/shard.h"
#include "link/target.h"
#include "link/whole_body.h"
#include "net/http_service.h"
#include "net/relayed_request.h"
#include "net/streaming_service.h"
#include "observe/log.h"
#include "observe/sampled_log.h"

namespace fiso::link {

struct LinkStackParts {
  async::Shard& shard;
  async::BlockingPool& blocking;
  observe::Metrics& metrics;
  observe::Log log;
  async::Limiter& bodies;   // bytes of bodies that are in memory as a whole, of the process
  size_t most_intercepted;  // bytes of one
  // Told of a target that answers 401, with the number of the credential that it got.
  std::function<void(const std::shared_ptr<Target>& target, uint64_t number)> reject = {};
};

class LinkStack final : public net::StreamingService {
 public:
  explicit LinkStack(LinkStackParts parts);

  // New requests find these from now on. A target that was here already keeps its connections; one that is not here any more goes
  // with the last request that uses it.
  // `allow_origins` are those whose pages may ask.
  void use(const Targets& targets, std::vector<std::string> allow_origins);

  Task<> serve(net::HttpRequest& request, net::ServerExchange& exchange) override;

  // What is sent along to a target from now on. One that was replaced meanwhile gets nothing, and neither does the one in its
  // place.
  void set_credential(const Target& target, CredentialState state);
  // For connections to a target that are opened from now on.
  void set_tls(std::string_view target, const net::TlsContext& tls);
  // What waits for another attempt is answered with what there is.
  void end_retries() { stop_.close(); }

 private:
  struct Call;
  bool is_from_here(Call& call);
  static bool method_passes(Call& call);
  void look_for_target(Call& call);
  static bool has_target(Call& call);
  bool method_is_right(Call& call);
  bool path_is_allowed(Call& call);
  bool is_within_rate(Call& call);
  bool breaker_admits(Call& call);
  Task<bool> read_request(Call& call);
  Task<bool> intercept_request(Call& call);
  Task<bool> has_credentials(Call& call);
  void add_credentials(Call& call);
  Task<> send(Call& call);
  static bool may_be_repeated(const Call& call);
  Task<Result<net::HttpResponse*>> ask(Call& call, net::RelayedRequest& relayed);
  Task<bool> may_ask_again(Call& call, const Result<net::HttpResponse*>& answer, int64_t made);
  Task<Result<>> intercept_answer(Call& call, net::RelayedRequest& relayed, net::HttpResponse& head);
  Task<Result<>> intercept(Call& call, core::Chain& chain, core::CallFacts facts, HeaderList& headers, WholeBody& body);
  Task<> publish(Call& call);
  void settle_published(Call& call, const Error& error);
  void note_published(const Call& call, const kafka::Placement& placed);
  void settle(Call& call, const Result<>& result);
  Task<> refuse(Call& call);
  void note(const Call& call, std::string_view status);

  LinkStackParts parts_;
  std::vector<std::string> allow_origins_;
  async::Gate stop_;
  observe::SeriesGroup unknown_;  // of requests that name no target
  AnswerMetrics unknown_answers_;
  struct Entry {
    std::shared_ptr<TargetReplica> target;
    std::shared_ptr<Interceptions> interceptions;
  };
  std::map<std::string, Entry, std::less<>> targets_;
  observe::SampledLog access_log_, failed_log_;
};

}  // namespace fiso::link
