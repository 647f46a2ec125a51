// One request on its way through the stack, and why it may not go on. For link_stack.cc and link_publish.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/correlation.h"
#include "link/link_stack.h"
#include "link/whole_body.h"
#include "net/server_exchange.h"

namespace fiso::link {

struct LinkStack::Call {
  Call(net::HttpRequest& caller, net::ServerExchange& connection)
      : request(caller), exchange(connection), began(std::chrono::steady_clock::now()), is_grpc(net::is_grpc(caller.headers)) {}

  // For bool layers: says why not, and that it is not.
  bool refused(int with, std::string why, Duration later = Duration(0)) {
    status = with;
    text = std::move(why);
    retry_after = later;
    return false;
  }

  // 408, but for a call of gRPC, whose caller may well wait for an answer before it says more.
  bool refused_as_late() { return is_grpc ? refused(504, "gateway timeout") : refused(408, "request timeout"); }

  bool refused_for_bodies() { return refused(503, "too many bodies in memory", std::chrono::seconds(1)); }

  bool refused_by_interceptor(const Error& error) {
    if (std::chrono::steady_clock::now() >= deadline) return refused(504, "gateway timeout");
    if (error.code() != ErrorCode::kOverloaded) return refused(500, "interceptor error");
    bool is_of_app = error.message().starts_with("app \"");  // which is not healthy, or busy, and says so itself
    if (is_of_app) return refused(503, error.message(), std::chrono::seconds(1));
    return refused(503, "too many requests wait for an interceptor", std::chrono::seconds(1));
  }

  net::HttpRequest& request;
  net::ServerExchange& exchange;
  const MonotonicTime began;
  const bool is_grpc;
  MonotonicTime deadline = kNever;
  core::Correlation correlation;
  std::string path;  // within the target; what was matched, with the query behind it
  std::shared_ptr<TargetReplica> target;
  std::string not_found = "404 page not found";  // says so, where it names none
  bool leads_on = false;                         // to the path with a slash at its end
  std::shared_ptr<Interceptions> interceptions;
  std::optional<WholeBody> body;  // of a request that was read as a whole
  CircuitBreaker::Call admitted;
  uint64_t credential = 0;  // the number of the one that is sent; 0: none
  bool asked = false;       // the target was
  int answered = 0;         // by it, the status
  int status = 0;           // of the answer
  std::string text;
  Duration retry_after{0};
  std::string_view allowed = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";  // methods, told with 405
};

}  // namespace fiso::link
