#include "components/sinks/http/http_sink.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "components/header_rules.h"
#include "net/local_services.h"
#include "net/retry_after.h"

namespace fiso::sinks {
namespace {

// Who waits for a connection waits within its flow's maxInFlight, so this is only a bound on the absurd.
constexpr size_t kMostWaiting = 100'000;
constexpr uint32_t kBrokenLines = 5;  // per sink, shard and second

std::optional<std::string> bad_url(const std::string& url) {
  if (url.find_first_of("{}") != std::string::npos)
    return "{path} has { or } in it: a URL is static, there are no placeholders (a brace that is meant is %7B or %7D)";
  auto said = [](const Error& error) { return "{path} is not a usable URL: " + error.message(); };
  if (net::is_local_url(url)) {
    auto local = net::parse_local_url(url);
    return local.has_value() ? std::nullopt : std::optional(said(local.error()));
  }
  auto parsed = net::parse_uri(url);
  return parsed.has_value() ? std::nullopt : std::optional(said(parsed.error()));
}

bool is_https(const std::string& url) {
  auto parsed = net::parse_uri(url);
  return parsed.has_value() && parsed->scheme == net::Scheme::kHttps;
}

// Names are the same in any case, and one of two would win by chance.
void check_headers(const HttpSink::Config& config, config::Report& report) {
  std::map<std::string, std::string> first;
  for (const auto& [name, value] : config.headers) {
    auto [other, is_new] = first.emplace(to_lower(name), name);
    if (!is_header_name(name)) report.entry_error("headers", name, "this is not a header name");
    if (is_reserved_header(name)) report.entry_error("headers", name, "Fiso itself sets this header");
    if (!is_header_value(value.reveal())) report.entry_error("headers", name, "the value holds characters that a header cannot");
    if (!is_new) report.entry_error("headers", name, "the header is there already, as " + other->second);
  }
}

void check_tls_has_effect(const HttpSink::Config& config, config::Report& report) {
  if (!is_https(config.url) && report.has("tls")) report.error("tls", "{path} has an effect with an https url only");
}

void check_local(const std::string& url, const core::Resources& resources, config::Report& report) {
  auto local = net::parse_local_url(url);
  if (!local.has_value()) return;  // told already
  const auto* names = resources.find<net::LocalNames>();
  if (names == nullptr)
    return report.error("url", "{path} \"" + url +
                                   "\": this program has flows only: use fiso-wasmer-aio, or the http:// address of " +
                                   (local->of == net::LocalUrl::Of::kApp ? "the app" : "fiso-link"));
  if (auto complaint = names->complaint(*local)) report.error("url", "{path} \"" + url + "\": " + *complaint);
}

// Where connections go to.
Result<> direct(net::ClientOptions& options, const std::string& url, const core::Resources& resources) {
  if (!net::is_local_url(url)) {
    FISO_TRY(options.origin, net::parse_uri(url));
    return {};
  }
  FISO_TRY(net::LocalUrl local, net::parse_local_url(url));
  options.origin = {.host = "localhost", .target = local.target};
  options.local = &resources.get<net::LocalServices>();
  options.local_name = local.service();
  return {};
}

class HttpSinkPlan final : public core::Plan<core::Sink> {
 public:
  HttpSinkPlan(HttpSink::Config config, net::ClientOptions options, async::ShardSet& shards, async::BlockingPool& blocking,
               observe::Log log)
      : config_(std::move(config)),
        options_(std::move(options)),
        connections_(shards, static_cast<uint64_t>(config_.max_connections), kMostWaiting),
        blocking_(blocking),
        log_(std::move(log)) {
    options_.connections = &connections_;
  }

  std::unique_ptr<core::Sink> make(async::Shard& shard) const override {
    return std::make_unique<HttpSink>(shard, blocking_, config_, options_, log_);
  }

 private:
  HttpSink::Config config_;
  net::ClientOptions options_;
  async::Limiter connections_;
  async::BlockingPool& blocking_;
  observe::Log log_;
};

}  // namespace

config::Spec<HttpSink::Config> HttpSink::spec() {
  auto tls = config::Spec<Tls>("tls", "How an https server is verified.")
                 .field("caFile", &Tls::ca_file, "Certificates to trust, PEM; without it those of the system.");
  config::Rules<std::string> method;
  method.one_of = {"POST", "PUT", "PATCH", "DELETE"};
  method.invalid = "{path} \"{value}\" is not a method that carries an event (use POST, PUT, PATCH or DELETE)";
  config::Rules<Duration> timeout;
  timeout.min = std::chrono::milliseconds(1);
  timeout.max = std::chrono::minutes(10);
  config::Rules<int64_t> connections;
  connections.min = 1;
  connections.max = 10'000;
  return config::Spec<Config>("http", "Delivers each event by one HTTP request.")
      .required("url", &Config::url,
                "Where events are sent, without placeholders: http, https, or, in fiso-wasmer-aio, link://TARGET/PATH or "
                "app://NAME/PATH.",
                {.missing = "http sink: url is required",
                 .pattern = "^([hH][tT][tT][pP][sS]?|[aA][pP][pP]|[lL][iI][nN][kK])://[^{}]*$",
                 .check = bad_url})
      .field("method", &Config::method, "The request's method.", method)
      .field("headers", &Config::headers, "Headers sent with every event.")
      .field("timeout", &Config::timeout, "Bounds one attempt, connecting included.", timeout)
      .field("maxConnections", &Config::max_connections, "Connections to the server, over all shards.", connections)
      .field("tls", &Config::tls, tls, "For https only.")
      .check({"headers"}, check_headers)
      .check({"url"}, check_tls_has_effect);
}

void HttpSink::check(const Config& config, const core::Resources& resources, config::Report& report) {
  if (net::is_local_url(config.url)) return check_local(config.url, resources, report);
  if (!is_https(config.url)) return;
  auto usable = net::make_tls_client_context({.ca_file = config.tls.ca_file});
  if (!usable.has_value()) report.error("tls.caFile", usable.error().describe());
}

core::Prepared<core::Sink> HttpSink::prepare(const Config& config, core::BuildContext& context) {
  net::ClientOptions options;
  FISO_TRY_OK(direct(options, config.url, context.resources));
  if (options.origin.scheme == net::Scheme::kHttps) {
    FISO_TRY(options.tls, net::make_tls_client_context({.ca_file = config.tls.ca_file}));
  }
  return std::make_shared<HttpSinkPlan>(config, std::move(options), context.resources.get<async::ShardSet>(),
                                        context.resources.get<async::BlockingPool>(), context.log);
}

HttpSink::HttpSink(async::Shard& shard, async::BlockingPool& blocking, const Config& config, net::ClientOptions options,
                   const observe::Log& log)
    : config_(config),
      target_(options.origin.target),
      shown_(config.url.substr(0, config.url.find_first_of("?#"))),
      broken_log_(log, observe::LogLevel::kWarn, kBrokenLines),
      client_(shard, blocking, std::move(options)) {}

Task<Result<>> HttpSink::deliver(const core::Outbound& event) {
  HeaderList headers;
  headers.add("Content-Type", core::kCloudEventContentType);
  headers.add(core::kCorrelationHeader, event.correlation_id);
  for (const auto& [name, value] : config_.headers) headers.add(name, value.reveal());
  // What the operator configured stands, whatever a guest says.
  for (HeaderList::Field field : *event.headers)
    if (!headers.contains(field.name)) headers.add(field.name, field.value);
  auto body = event.body();
  std::string broke_off;
  net::ClientRequest request{.method = config_.method,
                             .target = target_,
                             .headers = &headers,
                             .body = body,
                             .wanted = net::Wanted::kHead,
                             .broke_off = &broke_off};
  auto answer = co_await client_.send(request, Clock::system().now() + config_.timeout);
  if (!answer.has_value()) co_return answer.take_error().with_context("sink http");
  if (!broke_off.empty())
    broken_log_.write(
        "sink's answer broke off, its connection is closed",
        {{"target", shown_}, {"correlation_id", event.correlation_id}, {"status", answer->status}, {"error", broke_off}});
  co_return judge_answer(*answer, Clock::system().wall_now());
}

Result<> judge_answer(const net::ClientResponse& answer, WallTime now) {
  if (answer.status >= 200 && answer.status < 300) return {};
  std::string text = "http status " + std::to_string(answer.status);
  bool final = answer.status >= 400 && answer.status < 500 && answer.status != 429;
  if (final) return Error(ErrorCode::kRejected, std::move(text));
  return Error(ErrorCode::kUnavailable, std::move(text)).with_retry_after(net::retry_after(answer.headers, now));
}

}  // namespace fiso::sinks
