#include "server/admin.h"

namespace fiso::server {
namespace {

net::HttpResponse method_not_allowed(std::string_view allowed) {
  net::HttpResponse response = net::text_response(405, "method not allowed");
  response.headers.add("Allow", allowed);
  return response;
}

net::HttpResponse health_answer(observe::Health::Answer answer) {
  net::HttpResponse response;
  response.status = answer.status;
  response.headers.add("Content-Type", "application/json");
  response.body = std::move(answer.body);
  return response;
}

}  // namespace

Task<net::HttpResponse> AdminService::call(net::HttpRequest& request) {
  bool shows_figures = request.path() == "/metrics" || pages_.contains(request.path());
  if (refresh_ && shows_figures) co_await refresh_();
  co_return answer(request.method, request.path());
}

net::HttpResponse AdminService::answer(std::string_view method, std::string_view path) {
  bool reads = method == "GET" || method == "HEAD";
  if (path == "/reload") {
    if (method == "POST") reload_.request();
    if (!reads && method != "POST") return method_not_allowed("GET, HEAD, POST");
    return net::json_response(method == "POST" ? 202 : 200, reload_.verdict());
  }
  auto page = pages_.find(path);
  bool known = path == "/healthz" || path == "/readyz" || path == "/metrics" || page != pages_.end();
  if (!known) return net::text_response(404, "404 page not found");
  if (!reads) return method_not_allowed("GET, HEAD");
  if (page != pages_.end()) return net::json_response(200, page->second());
  if (path == "/healthz") return health_answer(health_.liveness());
  if (path == "/readyz") return health_answer(health_.readiness());
  net::HttpResponse response;
  response.headers.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.body = metrics_.expose();
  return response;
}

}  // namespace fiso::server
