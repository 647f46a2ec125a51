// The admin pages: /healthz, /readyz, /metrics, and /reload (GET: the last verdict, POST: read the configuration again).
//
// Threading: one service that all shards call; what it shows is thread-safe.
#pragma once

#include <functional>
#include <string>

#include "net/http_service.h"
#include "observe/health.h"
#include "observe/metrics.h"
#include "server/reload_verdict.h"

namespace fiso::server {

class AdminService final : public net::HttpService {
 public:
  // `request_reload` is called for a POST /reload and returns at once. Borrows all.
  AdminService(const observe::Health& health, const observe::Metrics& metrics, ReloadVerdicts& verdicts,
               std::function<void()> request_reload, std::function<void()> refresh_gauges)
      : health_(health),
        metrics_(metrics),
        verdicts_(verdicts),
        request_reload_(std::move(request_reload)),
        refresh_gauges_(std::move(refresh_gauges)) {}

  Task<net::HttpResponse> call(net::HttpRequest& request) override;

 private:
  net::HttpResponse answer(std::string_view method, std::string_view path);

  const observe::Health& health_;
  const observe::Metrics& metrics_;
  ReloadVerdicts& verdicts_;
  std::function<void()> request_reload_;
  std::function<void()> refresh_gauges_;
};

}  // namespace fiso::server
