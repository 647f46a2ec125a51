// Delivers each event by one HTTP request.
//
// Taken when the answer is 2xx. 4xx other than 429 is final; everything else, the network included, may be tried again, and a
// Retry-After is passed on. Redirects are not followed: a 3xx is a failure. The status decides as soon as the answer's head is
// complete: bodies are dropped, and one that is endless, slow or cut off costs the connection only (net::Wanted::kHead). A kept
// connection that turns out closed under a request is a failure that may be tried again, unless the request may be sent twice
// (net::HttpClient).
#pragma once

#include <map>
#include <memory>
#include <string>

#include "async/limiter.h"
#include "core/component.h"
#include "net/http_client.h"
#include "observe/sampled_log.h"

namespace fiso::sinks {

class HttpSink final : public core::Sink {
 public:
  static constexpr std::string_view kType = "http";
  struct Tls {
    std::string ca_file;
  };
  struct Config {
    std::string url;
    std::string method = "POST";
    std::map<std::string, Secret> headers;
    Duration timeout = std::chrono::seconds(30);
    int64_t max_connections = 256;
    Tls tls;
  };
  static config::Spec<Config> spec();
  static void check(const Config& config, const core::Resources& resources, config::Report& report);
  static core::Prepared<core::Sink> prepare(const Config& config, core::BuildContext& context);

  HttpSink(async::Shard& shard, async::BlockingPool& blocking, const Config& config, net::ClientOptions options,
           const observe::Log& log);
  Task<Result<>> deliver(const core::Outbound& event) override;
  // The URL without its query.
  std::string_view target() const override { return shown_; }

 private:
  const Config& config_;  // the plan's
  std::string target_;
  std::string shown_;
  observe::SampledLog broken_log_;
  net::HttpClient client_;
};

// What an answer's status means for the event.
Result<> judge_answer(const net::ClientResponse& answer, WallTime now);

}  // namespace fiso::sinks
