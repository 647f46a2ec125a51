#include "link/link_stack.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "base/ascii.h"
#include "core/outbound.h"
#include "link/body_claims.h"
#include "link/body_deadline.h"
#include "link/browser_rules.h"
#include "link/content_coding.h"
#include "link/grpc.h"
#include "link/link_call.h"
#include "net/name_lookup.h"
#include "net/retry_after.h"

namespace fiso::link {
namespace {

constexpr std::string_view kPrefix = "/link/";
constexpr uint32_t kAccessLines = 100, kFailedLines = 100;  // a second
constexpr size_t kHeldBody = 256 << 10;                     // of a request that may be sent more than once
constexpr net::RelayOptions kRelayOptions{.host = net::RelayOptions::Host::kTarget,
                                          .forwarded = net::RelayOptions::Forwarded::kLeave};
// A stream of messages may pause for long, and both sides look after their connections by PING.
constexpr net::RelayOptions kGrpcRelayOptions{.idle_timeout = std::chrono::hours(1),
                                              .host = net::RelayOptions::Host::kTarget,
                                              .forwarded = net::RelayOptions::Forwarded::kLeave};

MonotonicTime now() { return std::chrono::steady_clock::now(); }

double random_part() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

// basePath and path, with one slash between them; a path that is only that slash adds nothing to a basePath.
std::string joined(std::string_view base, std::string_view path) {
  if (base.ends_with('/')) base.remove_suffix(1);
  if (base.empty()) return std::string(path);
  return std::string(base).append(path == "/" ? std::string_view() : path);
}

std::string seconds_of(Duration time) {
  return std::to_string(std::max<int64_t>(1, static_cast<int64_t>(std::ceil(std::chrono::duration<double>(time).count()))));
}

}  // namespace

LinkStack::LinkStack(LinkStackParts parts)
    : parts_(std::move(parts)),
      stop_(parts_.shard.executor()),
      unknown_(parts_.metrics, {{"target", "unknown"}}),
      unknown_answers_(unknown_),
      access_log_(parts_.log, observe::LogLevel::kInfo, kAccessLines),
      failed_log_(parts_.log, observe::LogLevel::kError, kFailedLines) {}

void LinkStack::use(const Targets& targets, std::vector<std::string> allow_origins) {
  allow_origins_ = std::move(allow_origins);
  auto before = std::exchange(targets_, {});
  for (const auto& [target, plan] : targets) {
    auto kept = before.find(target->config.name);
    bool stays = kept != before.end() && kept->second.target->held == target;
    auto replica = stays ? kept->second.target : std::make_shared<TargetReplica>(target, parts_.shard, parts_.blocking);
    targets_.emplace(target->config.name, Entry{std::move(replica), plan->make(parts_.shard)});
    if (stays) before.erase(kept);
  }
  for (const auto& [name, dropped] : before) dropped.target->credential.abandon();
}

Task<> LinkStack::serve(net::HttpRequest& request, net::ServerExchange& exchange) {
  Call call(request, exchange);
  call.correlation = core::find_correlation(request.headers);  // first: refusals carry it too
  look_for_target(call);                                       // first as well: they are counted as its own
  bool goes_on = is_from_here(call) &&     // before anything is looked at on behalf of a page that borrows our credentials
                 method_passes(call) &&    // the same for all targets
                 has_target(call) &&       // what follows is the target's
                 method_is_right(call) &&  // of a topic, which can only be posted to
                 path_is_allowed(call) &&  // before what counts: such a request is no traffic of the target
                 is_within_rate(call) &&   // before the breaker, which learns from calls that are made
                 breaker_admits(call) &&   // a target that is down is not asked
                 co_await intercept_request(call) &&  // guests change all but where it goes, and see no credentials of ours
                 co_await has_credentials(call);      // last: only what goes out waits for them
  if (goes_on && call.target->shared.producer != nullptr) {
    co_await publish(call);  // in place of sending: the acknowledgement is the answer
  } else if (goes_on) {
    co_await send(call);  // attempts: connect, ask, try again, pass the answer on
  } else if (call.status != 0) {
    co_await refuse(call);
  } else {
    note(call, "error");  // the client has gone, or was told what is wrong with its request
  }
}

bool LinkStack::is_from_here(Call& call) {
  switch (judge_page(call.request.headers, allow_origins_)) {
    case PageVerdict::kFine: return true;
    case PageVerdict::kOtherSite: return call.refused(403, "cross-site requests are not allowed");
    case PageVerdict::kOtherHost: return call.refused(403, "host not allowed for browsers");
  }
  return false;
}

// The answer to TRACE, and to what some servers call TRACK, is the request as it came: our credentials would be in it.
bool LinkStack::method_passes(Call& call) {
  const std::string& method = call.request.method;
  if (!iequals(method, "TRACE") && !iequals(method, "TRACK")) return true;
  return call.refused(405, "method not allowed");
}

bool LinkStack::has_target(Call& call) {
  if (call.target != nullptr) return true;
  return call.leads_on ? call.refused(301, "Moved Permanently") : call.refused(404, std::move(call.not_found));
}

void LinkStack::look_for_target(Call& call) {
  std::string_view path = call.request.path();
  bool is_prefixed = path.starts_with(kPrefix);
  call.leads_on = path == "/link";
  if (!is_prefixed && !call.is_grpc) return;
  std::string_view rest = is_prefixed ? path.substr(kPrefix.size()) : std::string_view();
  std::string name = is_prefixed ? std::string(rest.substr(0, rest.find('/'))) : take_grpc_target(call.request);
  auto found = targets_.find(name);
  call.not_found = "target \"" + name + "\" not found";
  if (found == targets_.end()) return;
  bool is_topic = found->second.target->shared.producer != nullptr;
  if (is_topic && (!is_prefixed || rest.size() > name.size())) {
    if (is_prefixed) call.not_found = "target \"" + std::string(rest) + "\" not found";
    return;
  }
  call.target = found->second.target;
  call.interceptions = found->second.interceptions;
  call.path = !is_prefixed ? path : rest.size() > name.size() ? rest.substr(name.size()) : "/";
  call.deadline = call.began + call.target->shared.config.timeout;
}

bool LinkStack::method_is_right(Call& call) {
  if (call.target->shared.producer == nullptr || call.request.method == "POST") return true;
  call.allowed = "POST";
  return call.refused(405, "method not allowed");
}

// Also makes the path that goes out, so that what was matched is what is sent.
bool LinkStack::path_is_allowed(Call& call) {
  const Target& target = call.target->shared;
  std::optional<std::string> path = resolve_dot_segments(call.path);
  if (!path) return call.refused(400, "the path leads above the target");
  bool is_bounded = !target.paths.empty() || !target.config.base_path.empty();
  if ((is_bounded && !stays_below_in_all_readings(*path)) || !target.paths.allows(*path))
    return call.refused(403, "path not allowed");
  std::string_view query = std::string_view(call.request.target).substr(call.request.path().size());
  std::string out = joined(target.config.base_path, *path);
  out.append(query);
  call.path = std::move(*path).append(query);
  call.request.target = std::move(out);
  return true;
}

bool LinkStack::is_within_rate(Call& call) {
  Target& target = call.target->shared;
  if (!target.rate) return true;
  Duration wait = target.rate->try_take();
  if (wait == Duration(0)) return true;
  target.rate_limited.increment();
  return call.refused(429, "rate limit exceeded", wait);
}

bool LinkStack::breaker_admits(Call& call) {
  Target& target = call.target->shared;
  if (!target.breaker) return true;
  call.admitted = target.breaker->admit();
  if (call.admitted) return true;
  bool is_topic = target.producer != nullptr;
  return call.refused(503, is_topic ? "circuit breaker open" : "service unavailable (circuit open)", target.breaker->wait_time());
}

Task<bool> LinkStack::has_credentials(Call& call) {
  if (call.target->shared.config.auth.type == AuthType::kNone) co_return true;
  CredentialSlot& slot = call.target->credential;
  if (slot.now().has_value() || co_await slot.wait(call.deadline)) co_return true;
  co_return call.refused(500, "auth error");
}

// After the fields that end here are gone: a caller that names ours in Connection does not take it out. Nothing has been awaited
// since has_credentials().
void LinkStack::add_credentials(Call& call) {
  if (call.target->shared.config.auth.type == AuthType::kNone) return;
  const Credential& credential = *call.target->credential.now();
  call.request.headers.set(credential.header, credential.value.reveal());
  call.credential = credential.number;
}

Task<Result<>> LinkStack::intercept(Call& call, core::Chain& chain, core::CallFacts facts, HeaderList& headers, WholeBody& body) {
  facts.method = call.request.method;
  facts.path = call.path;
  facts.target = call.target->shared.config.name;
  core::Event event{.payload = core::Payload(std::move(body.text())),
                    .headers = std::move(headers),
                    .correlation_id = call.correlation.id,
                    .call = &facts,
                    .caller = &call.exchange,
                    .deadline = call.deadline};
  Result<> done = co_await chain.process(event);
  if (!done.has_value()) {
    if (done.error().code() != ErrorCode::kCancelled) call.refused_by_interceptor(done.error());
    co_return done;
  }
  headers = std::move(event.headers);
  body.text() = std::string(event.payload.view());
  done = body.count();
  if (!done.has_value()) call.refused_for_bodies();
  co_return done;
}

Task<bool> LinkStack::read_request(Call& call) {
  WholeBody& whole = call.body.emplace(parts_.bodies, parts_.most_intercepted);
  BodyDeadline reading(parts_.shard, call.exchange, call.deadline);
  for (;;) {
    Result<std::string_view> piece = co_await call.exchange.read();
    if (reading.passed()) co_return call.refused_as_late();
    if (!piece.has_value()) co_return false;
    if (piece->empty()) co_return true;
    Result<> added = whole.add(*piece);
    if (added.has_value()) continue;
    bool too_large = added.error().code() == ErrorCode::kInvalidInput;
    if (!too_large) co_return call.refused_for_bodies();
    co_return call.refused(413, "request body too large");
  }
}

Task<bool> LinkStack::intercept_request(Call& call) {
  if (call.interceptions->requests.empty()) co_return true;
  if (!co_await read_request(call)) co_return false;
  BodyClaims claims(call.request.headers, call.body->text());
  Result<> done = co_await intercept(call, call.interceptions->requests, {.direction = core::CallFacts::Direction::kOutbound},
                                     call.request.headers, *call.body);
  claims.settle(call.request.headers, call.body->text());
  if (done.has_value()) co_return true;
  if (call.status == 0) co_return false;  // the caller has gone
  failed_log_.write(
      "interceptor failed",
      {{"correlation_id", call.correlation.id}, {"target", call.target->shared.config.name}, {"error", done.error().describe()}});
  co_return false;
}

// What a target has answered counts for its breaker, whatever becomes of it here. HEAD and its kin have no body to look at; their
// fields describe one that is not here.
Task<Result<>> LinkStack::intercept_answer(Call& call, net::RelayedRequest& relayed, net::HttpResponse& head) {
  WholeBody whole(parts_.bodies, parts_.most_intercepted);
  Result<> done;
  while (done.has_value()) {
    FISO_CO_TRY(std::string_view piece, co_await relayed.read_answer(call.deadline));
    if (piece.empty()) break;
    done = whole.add(piece);
  }
  HeaderList trailers = relayed.answer_trailers();
  BodyClaims claims(head.headers, whole.text()), trailer_claims(trailers, whole.text());
  bool is_whole = head.status != 206;
  if (done.has_value() && is_whole && !whole.text().empty())
    done = decode_content(head.headers, whole.text(), parts_.most_intercepted);
  if (done.has_value()) done = whole.count();
  if (!done.has_value()) {
    bool is_ours = done.error().code() == ErrorCode::kOverloaded;
    (void)(is_ours ? call.refused_for_bodies() : call.refused(502, "bad gateway"));
    co_return done.take_error().with_code(ErrorCode::kGuestLimit).with_context("answer");
  }
  core::CallFacts facts{.direction = core::CallFacts::Direction::kInbound, .status = head.status};
  done = co_await intercept(call, call.interceptions->answers, facts, head.headers, whole);
  if (!done.has_value() && call.text.empty()) co_return done;  // the caller has gone
  if (!done.has_value()) co_return done.take_error().with_code(ErrorCode::kGuestLimit);
  claims.settle(head.headers, whole.text());
  if (call.request.method == "HEAD" || head.status == 204 || head.status == 304) co_return co_await relayed.deliver();
  trailer_claims.settle(trailers, whole.text());
  call.exchange.begin(head.status, head.headers, trailers.empty() ? std::optional(whole.text().size()) : std::nullopt);
  if (!trailers.empty()) call.exchange.set_trailers(trailers);
  co_return co_await call.exchange.end(whole.text());
}

Task<> LinkStack::send(Call& call) {
  bool looks_at_answer = !call.interceptions->answers.empty();
  bool wants_part = call.request.headers.contains("range");  // of what is coded nothing can be undone
  if (looks_at_answer) call.request.headers.set("Accept-Encoding", wants_part ? "identity" : "gzip");
  net::RelayedRequest relayed(parts_.shard, call.target->client, call.request, call.exchange,
                              call.is_grpc ? kGrpcRelayOptions : kRelayOptions);
  if (call.body.has_value()) relayed.use_body(call.body->text());
  call.request.headers.set(core::kCorrelationHeader, call.correlation.id);
  add_credentials(call);
  call.target->shared.retries.note_request();
  Result<net::HttpResponse*> answer = co_await ask(call, relayed);
  Result<> result;
  if (answer.has_value()) {
    call.status = call.answered = (*answer)->status;
    if (call.answered >= 500)
      call.admitted.failed();
    else
      call.admitted.begun();
    if (call.status == 401 && call.credential != 0) parts_.reject(call.target->held, call.credential);
    (*answer)->headers.set(core::kCorrelationHeader, call.correlation.id);
    bool passes = !looks_at_answer || call.status == 101;
    result = passes ? co_await relayed.deliver() : co_await intercept_answer(call, relayed, **answer);
  } else {
    result = answer.take_error();
  }
  result = co_await relayed.finish(std::move(result));
  settle(call, result);
  bool can_be_told = !result.has_value() && (result.error().code() != ErrorCode::kCancelled || !call.text.empty());
  if (can_be_told && !call.exchange.begun()) co_return co_await refuse(call);
  note(call, call.status == 0 ? "error" : std::to_string(call.status));
}

// A call of gRPC is a stream, whatever its metadata says: kept back until its caller is done it would not begin.
bool LinkStack::may_be_repeated(const Call& call) {
  const TargetConfig& target = call.target->shared.config;
  bool is_stream = call.is_grpc || target.protocol == Protocol::kGrpc;
  return !is_stream && target.retry_options().max_attempts > 1 && is_repeatable(call.request.method, call.request.headers);
}

Task<Result<net::HttpResponse*>> LinkStack::ask(Call& call, net::RelayedRequest& relayed) {
  if (may_be_repeated(call)) {
    BodyDeadline reading(parts_.shard, call.exchange, call.deadline);
    Result<> held = co_await relayed.hold_body(kHeldBody);
    if (reading.passed()) {
      call.refused_as_late();
      co_return Error(ErrorCode::kCancelled, "request body");
    }
    FISO_CO_TRY_OK(std::move(held));
  }
  if (now() >= call.deadline) co_return Error(ErrorCode::kTimeout, "there was no time left to ask the target");
  call.asked = true;
  for (int64_t made = 1;; ++made) {
    Duration left = std::max<Duration>(call.deadline - now(), std::chrono::milliseconds(1));
    Result<net::HttpResponse*> answer = co_await relayed.ask(left);
    if (relayed.body_was_late()) {
      call.refused_as_late();
      co_return Error(ErrorCode::kCancelled, "request body");
    }
    bool again = relayed.repeatable() && co_await may_ask_again(call, answer, made);
    if (!again) co_return answer;
    call.target->answers.note_retry(made);
  }
}

// And waits until it is time.
Task<bool> LinkStack::may_ask_again(Call& call, const Result<net::HttpResponse*>& answer, int64_t made) {
  Target& target = call.target->shared;
  const RetryOptions options = target.config.retry_options();
  bool worth_it = answer.has_value() ? is_retryable_status((*answer)->status) : is_retryable(answer.error());
  if (!worth_it || made >= options.max_attempts) co_return false;
  if (!may_be_repeated(call)) co_return false;
  Duration pause = pause_after(options, made, random_part());
  if (answer.has_value()) pause = std::max(pause, net::retry_after((*answer)->headers, Clock::system().wall_now()));
  if (now() + pause >= call.deadline || !target.retries.try_take()) co_return false;
  async::Gate::Pass pass = stop_.enter();
  co_return pass && !co_await stop_.wait_closed(now() + pause);
}

// What a call says about its target: 5xx, no answer in time and no connection are failures. A client that has gone, one whose
// body was late, a limit of ours, time that was over before and an address that we do not connect to say nothing.
void LinkStack::settle(Call& call, const Result<>& result) {
  ErrorCode code = result.has_value() ? ErrorCode::kInternal : result.error().code();
  bool failed = call.answered >= 500 || (call.asked && (code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout));
  bool ours = !call.asked || code == ErrorCode::kCancelled || code == ErrorCode::kOverloaded || code == ErrorCode::kRejected;
  bool nothing_known = call.answered == 0 && ours;
  if (failed) call.admitted.failed();
  if (!failed && !nothing_known) call.admitted.succeeded();
  if (result.has_value() || code == ErrorCode::kCancelled) return;
  failed_log_.write("proxy request failed", {{"correlation_id", call.correlation.id},
                                             {"target", call.target->shared.config.name},
                                             {"method", call.request.method},
                                             {"error", result.error().describe()}});
  if (call.exchange.begun()) return;
  if (code == ErrorCode::kRejected) {
    call.target->shared.address_refused.increment();
    call.refused(403, "address not allowed");
  }
  if (code == ErrorCode::kTimeout) call.refused(504, "gateway timeout");
  if (code == ErrorCode::kUnavailable)
    call.refused(502, result.error().message() == net::kUnresolved ? "failed to resolve host" : "bad gateway");
  if (code == ErrorCode::kOverloaded) call.refused(503, "too many requests wait for the target", std::chrono::seconds(1));
  if (call.status == 0) call.refused(500, "internal error");
}

Task<> LinkStack::refuse(Call& call) {
  net::HttpResponse response = call.is_grpc ? grpc_refusal(call.status, call.text) : net::text_response(call.status, call.text);
  response.headers.add(core::kCorrelationHeader, call.correlation.id);
  if (call.status == 405) response.headers.add("Allow", call.allowed);
  if (call.leads_on && call.status == 301) {
    std::string_view query = std::string_view(call.request.target).substr(call.request.path().size());
    response.headers.add("Location", std::string(kPrefix).append(query));
  }
  if (call.retry_after > Duration(0)) response.headers.add("Retry-After", seconds_of(call.retry_after));
  (void)co_await net::answer(call.exchange, response);
  note(call, std::to_string(call.status));
}

void LinkStack::note(const Call& call, std::string_view status) {
  Duration taken = now() - call.began;
  AnswerMetrics& answers = call.target != nullptr ? call.target->answers : unknown_answers_;
  answers.note(call.request.method, status, taken);
  access_log_.write("proxy request completed",
                    {{"correlation_id", call.correlation.id},
                     {"target", call.target != nullptr ? std::string_view(call.target->shared.config.name) : "unknown"},
                     {"method", call.request.method},
                     {"status", status},
                     {"latency_ms", std::chrono::duration<double, std::milli>(taken).count()}});
}

// A name says too little: the target may have another host by now.
void LinkStack::set_credential(const Target& target, CredentialState state) {
  auto found = targets_.find(target.config.name);
  if (found != targets_.end() && &found->second.target->shared == &target) found->second.target->credential.set(std::move(state));
}

void LinkStack::set_tls(std::string_view target, const net::TlsContext& tls) {
  auto found = targets_.find(target);
  if (found != targets_.end()) found->second.target->client.set_tls(tls);
}

}  // namespace fiso::link
