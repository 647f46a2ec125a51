// The admin pages: /healthz, /readyz, /metrics, /reload (GET: the last verdict, POST: read the configuration again), and what
// a program adds. What changes something is for this machine alone, and for who has the token; pages of browsers are neither.
//
// Threading: one service that all shards call; what it shows is thread-safe.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/secret.h"
#include "net/http_server.h"
#include "observe/health.h"
#include "observe/metrics.h"

namespace fiso::server {

// Of the admin port: nobody sends a body there.
inline net::ServerLimits admin_limits() { return {.body_bytes = 64_KiB, .total_body_bytes = 1_MiB}; }

class AdminService final : public net::HttpService {
 public:
  // What /reload does: ask for one, which returns at once, and tell what became of the last, as JSON.
  struct Reload {
    std::function<void()> request;
    std::function<std::string()> verdict;
  };
  // Borrows the first two. Without a token nobody has it.
  AdminService(const observe::Health& health, const observe::Metrics& metrics, Reload reload, Secret token = {})
      : health_(health), metrics_(metrics), reload_(std::move(reload)), token_(std::move(token)) {}

  // Brings up to date what /metrics and added pages show, before they do. Before the port is served.
  void refresh_with(std::function<Task<>()> refresh) { refresh_ = std::move(refresh); }
  // A page to GET, as JSON. Before the port is served.
  void add_page(std::string path, std::function<std::string()> json) { pages_.emplace(std::move(path), std::move(json)); }

  Task<net::HttpResponse> call(net::HttpRequest& request) override;

 private:
  net::HttpResponse answer(std::string_view method, std::string_view path);
  bool may_change(const net::HttpRequest& request) const;

  const observe::Health& health_;
  const observe::Metrics& metrics_;
  const Reload reload_;
  const Secret token_;
  std::function<Task<>()> refresh_;
  std::map<std::string, std::function<std::string()>, std::less<>> pages_;
};

}  // namespace fiso::server
