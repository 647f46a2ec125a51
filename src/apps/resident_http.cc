#include "apps/resident_http.h"

#include <string_view>
#include <utility>

#include "base/ascii.h"
#include "components/header_rules.h"

namespace fiso::apps {
namespace {

constexpr uint32_t kFailedLines = 100;

MonotonicTime now() { return std::chrono::steady_clock::now(); }

std::string_view host_of(std::string_view address) { return address.substr(0, address.rfind(':')); }

// What is not of this hop, and whom it came from.
HeaderList headers_to_pass(const net::HttpRequest& request) {
  HeaderList headers;
  for (const auto& field : request.headers) {
    if (iequals(field.name, "host")) {
      headers.add("X-Forwarded-Host", field.value);
    } else if (!is_hop_header(field.name)) {
      headers.add(field.name, field.value);
    }
  }
  if (!request.remote_address.empty()) headers.add("X-Forwarded-For", host_of(request.remote_address));
  headers.add("X-Forwarded-Proto", request.secure ? "https" : "http");
  return headers;
}

}  // namespace

ResidentHttp::ResidentHttp(Parts parts)
    : parts_(std::move(parts)), failed_log_(parts_.log, observe::LogLevel::kError, kFailedLines) {}

std::shared_ptr<net::HttpClient> ResidentHttp::client_for(uint16_t port) {
  if (client_ == nullptr || port != client_port_) {
    net::ClientOptions options{.origin = {.scheme = net::Scheme::kHttp, .host = kGuestAddress, .port = port, .target = "/"}};
    options.max_response_body = parts_.largest_answer;
    client_ = std::make_shared<net::HttpClient>(parts_.shard, parts_.blocking, std::move(options));
    client_port_ = port;
  }
  return client_;
}

Task<Result<net::HttpResponse>> ResidentHttp::pass_on(const net::HttpRequest& request, MonotonicTime deadline) {
  uint16_t port = parts_.supervisor->port();
  if (port == 0) co_return Error(ErrorCode::kOverloaded, "the app is starting");
  std::shared_ptr<net::HttpClient> client = client_for(port);
  HeaderList headers = headers_to_pass(request);
  std::string_view body = request.body;
  net::ClientRequest passed{.method = request.method, .target = request.target, .headers = &headers, .body = {&body, 1}};
  co_return co_await client->send(passed, deadline);
}

Task<net::HttpResponse> ResidentHttp::call(net::HttpRequest& request) {
  MonotonicTime began = now();
  auto answered = co_await pass_on(request, began + parts_.config.timeout);
  if (answered.has_value()) {
    parts_.supervisor->note_answer();
  } else if (answered.error().code() == ErrorCode::kTimeout) {
    parts_.supervisor->note_timeout();
  }
  net::HttpResponse response;
  if (answered.has_value()) {
    response.status = answered->status;
    response.body = std::move(answered->body);
    for (const auto& field : answered->headers)
      if (!is_hop_header(field.name) && !iequals(field.name, "content-length") && !iequals(field.name, "date"))
        response.headers.add(field.name, field.value);
  } else {
    response = failed(answered.error());
  }
  parts_.traffic.note(response.status, now() - began);
  co_return response;
}

Task<int> ResidentHttp::probe(net::HttpRequest& request) {
  auto answered = co_await pass_on(request, now() + parts_.config.health_check_timeout);
  co_return answered.has_value() ? answered->status : 503;
}

net::HttpResponse ResidentHttp::failed(const Error& error) {
  failed_log_.write("app request failed", {{"error", error.describe()}});
  if (error.code() == ErrorCode::kTimeout)
    return net::text_response(504, "wasm execution timeout after " + format_duration(parts_.config.timeout));
  if (error.code() != ErrorCode::kOverloaded) return net::text_response(502, "the app did not answer: " + error.message());
  net::HttpResponse response = net::text_response(503, error.message());
  response.headers.add("Retry-After", "1");
  return response;
}

}  // namespace fiso::apps
