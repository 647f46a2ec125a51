// An app that answers each request by one JSON document: HTTP on the outside, one run of a guest inside.
//
// HTTP and the JSON are ours; the guest sees bytes on its stdin. What fails is a status, see failures.h.
#pragma once

#include <memory>
#include <string>

#include "apps/app_config.h"
#include "apps/app_service.h"
#include "apps/guest_setup.h"
#include "apps/traffic_metrics.h"
#include "async/shard.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "observe/sampled_log.h"
#include "wasm/instance_pool.h"

namespace fiso::apps {

// What all shards share of one app. Immutable once made; outlives the services.
struct JsonAppShared {
  std::string name;
  std::shared_ptr<wasm::PoolShare> pool;
  observe::Log log;  // carries the app's name
  TrafficMetrics traffic;
};

// Readies what instances of the loaded module need. Blocks, on a thread that lasts as long as the app. The error is the
// operator's to read.
Result<std::unique_ptr<JsonAppShared>> prepare_json_app(const AppConfig& config, const GuestPlace& place,
                                                        std::shared_ptr<const wasm::Module> loaded, wasm::Capacity& capacity,
                                                        const observe::Log& log);

// Shard-local.
class JsonApp final : public AppService {
 public:
  JsonApp(async::Shard& shard, wasm::Capacity& capacity, const JsonAppShared& shared);
  ~JsonApp() override;
  Task<net::HttpResponse> call(net::HttpRequest& request) override;
  Task<Result<AppReply>> ask(const AppCall& call) override;
  // As call(), unseen by metrics and log.
  Task<int> probe(net::HttpRequest& request, MonotonicTime deadline) override;
  void stop_probe() override;
  void cut() override { pool_->stop_runs(); }
  bool ready() const override { return shared_.pool->warm(); }

 private:
  struct Terms {
    std::optional<MonotonicTime> deadline = {};
    wasm::RunHandle* handle = nullptr;
    Caller* caller = nullptr;
    MonotonicTime latest = kNever;
  };
  Task<Result<net::HttpResponse>> answer(net::HttpRequest& request, Terms terms);
  Task<Result<std::string>> run(std::string_view input, Terms terms);

  const JsonAppShared& shared_;
  std::shared_ptr<wasm::InstancePool> pool_;
  observe::SampledLog failed_log_;
  observe::SampledLog stderr_log_;
  wasm::RunHandle probe_;
};

}  // namespace fiso::apps
