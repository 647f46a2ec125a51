#include "server/admin.h"

#include <openssl/crypto.h>

#include <boost/asio/ip/address.hpp>

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

// `client` is ADDRESS:PORT.
bool is_this_machine(std::string_view client) {
  std::string_view host = client.substr(0, client.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  auto address = boost::asio::ip::make_address(std::string(host), error);
  if (error) return false;
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).is_loopback();
  return address.is_loopback();
}

// Browsers say so with every POST, or else it is none of a page.
bool is_of_page(const HeaderList& headers) { return headers.contains("origin") || headers.contains("sec-fetch-site"); }

}  // namespace

bool AdminService::may_change(const net::HttpRequest& request) const {
  const std::string wanted = "Bearer " + token_.reveal();
  std::string_view said = request.headers.find("authorization").value_or("");
  bool has_token =
      !token_.empty() && said.size() == wanted.size() && CRYPTO_memcmp(said.data(), wanted.data(), wanted.size()) == 0;
  return has_token || (is_this_machine(request.remote_address) && !is_of_page(request.headers));
}

Task<net::HttpResponse> AdminService::call(net::HttpRequest& request) {
  if (request.method == "POST" && !may_change(request))
    co_return net::text_response(403, "only from this machine, or with the admin token (FISO_ADMIN_TOKEN)");
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
