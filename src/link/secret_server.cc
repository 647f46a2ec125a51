#include "link/secret_server.h"

#include <utility>

#include "net/client_exchange.h"

namespace fiso::link {
namespace {

constexpr size_t kLongestAnswer = 1 << 20;
constexpr std::chrono::seconds kConnectTimeout{3};  // a stop waits for it

}  // namespace

Result<net::ClientOptions> secret_server_options(net::ClientOptions base, std::string_view url, const std::string& ca_file) {
  FISO_TRY(base.origin, net::parse_uri(url));
  if (base.origin.scheme == net::Scheme::kHttps) {
    FISO_TRY(base.tls, net::make_tls_client_context({.ca_file = ca_file}));
  }
  base.connect_timeout = kConnectTimeout;
  base.max_idle = 0;  // minutes lie between questions, and a POST on a connection that was closed is lost
  return base;
}

SecretServer::SecretServer(async::Shard& shard, async::BlockingPool& blocking, net::ClientOptions options)
    : client_(shard, blocking, std::move(options)) {}

Task<Result<net::HttpResponse>> SecretServer::ask(const Question& question, MonotonicTime deadline) {
  Result<net::HttpResponse> answer = co_await exchange(question, deadline);
  under_way_ = nullptr;
  if (!answer.has_value()) co_return answer.take_error().with_context(client_.authority());
  co_return answer;
}

Task<Result<net::HttpResponse>> SecretServer::exchange(const Question& question, MonotonicTime deadline) {
  if (aborted_) co_return Error(ErrorCode::kCancelled, "stopping");
  net::ClientExchange exchange(client_);
  under_way_ = &exchange;
  net::StreamedRequest request{.head = {.method = question.method,
                                        .target = question.target,
                                        .host = client_.authority(),
                                        .headers = question.headers,
                                        .framing = question.body.empty() ? net::Framing::kNone : net::Framing::kLength,
                                        .length = question.body.size()},
                               .body = question.body};
  FISO_CO_TRY_OK(co_await exchange.start(request, deadline));
  net::HttpResponse* head = nullptr;
  do {
    FISO_CO_TRY(head, co_await exchange.read_head(deadline));
  } while (head->status < 200);
  net::HttpResponse answer{.status = head->status, .headers = head->headers};
  for (;;) {
    FISO_CO_TRY(std::string_view piece, co_await exchange.read(deadline));
    if (answer.body.size() + piece.size() > kLongestAnswer) co_return Error(ErrorCode::kUnavailable, "the answer is too long");
    answer.body.append(piece);
    if (exchange.complete()) co_return answer;
  }
}

void SecretServer::abort() {
  aborted_ = true;
  if (under_way_ != nullptr) under_way_->abort();
}

}  // namespace fiso::link
