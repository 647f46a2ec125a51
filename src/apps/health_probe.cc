#include "apps/health_probe.h"

#include <chrono>

namespace fiso::apps {
namespace {

MonotonicTime now() { return std::chrono::steady_clock::now(); }

observe::Counter& counter(const observe::SeriesGroup& app, const char* result) {
  return app.counter("fiso_app_probes_total", "Health probes.", {{"result", result}});
}

}  // namespace

HealthProbe::HealthProbe(const AppConfig& config, const observe::SeriesGroup& app)
    : config_(config), good_counter_(counter(app, "ok")), failed_counter_(counter(app, "failed")) {}

Task<bool> HealthProbe::ask(AppService& service) {
  net::HttpRequest request;
  request.method = "GET";
  request.target = config_.health_check;
  request.headers.add("Host", "localhost");
  request.headers.add("User-Agent", "fiso-health-check");
  MonotonicTime deadline = now() + config_.health_check_timeout;
  int status = co_await service.probe(request, deadline);
  bool good = status >= 200 && status < 300 && now() <= deadline;
  asked_.fetch_add(1, std::memory_order_relaxed);
  if (!good) failed_.fetch_add(1, std::memory_order_relaxed);
  (good ? good_counter_ : failed_counter_).increment();
  co_return good;
}

}  // namespace fiso::apps
