#include "components/sources/http/http_source.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "components/header_rules.h"
#include "components/listen_address.h"
#include "net/hop_fields.h"
#include "net/http_status.h"

namespace fiso::sources {
namespace {

constexpr std::string_view kTopic = "http";

class HttpSourcePlan final : public core::Plan<core::Source> {
 public:
  HttpSourcePlan(HttpSource::Config config, core::StatusMode status_mode, net::RouteTables& tables)
      : config_(std::move(config)), status_mode_(status_mode), tables_(tables) {}

  std::unique_ptr<core::Source> make(async::Shard& shard) const override {
    return std::make_unique<HttpSource>(config_, status_mode_, tables_.on(shard));
  }

 private:
  HttpSource::Config config_;
  core::StatusMode status_mode_;
  net::RouteTables& tables_;
};

// The answer as the request's coroutine waits for it.
class Reply final : public core::Answerer {
 public:
  void answer(Result<> outcome) noexcept override { outcome_ = std::move(outcome); }
  const Result<>& outcome() const {
    FISO_CHECK(outcome_.has_value(), "take() completes when the delivery is answered");
    return *outcome_;
  }

 private:
  std::optional<Result<>> outcome_;
};

std::optional<std::string> bad_address(const std::string& address) {
  if (is_listen_address(address)) return std::nullopt;
  return "{path} \"{value}\" is not an address: write host:port, [IPv6]:port or :port";
}

std::optional<std::string> bad_path(const std::string& path) {
  if (path.empty() || path[0] != '/') return "{path} \"{value}\" must begin with /";
  if (path.find_first_of("?# \t{}") != std::string::npos)
    return "{path} \"{value}\" must be a plain path, without query or placeholders";
  // What a request's target may hold (net/http_parser.cc); all else would never match.
  bool visible = std::ranges::all_of(path, [](char c) { return c > ' ' && c < 0x7f; });
  if (!visible) return "{path} \"{value}\" holds characters that no request has in its path: write them percent-encoded";
  return std::nullopt;
}

void check_forwards(const HttpSource::Config& config, config::Report& report) {
  for (size_t i = 0; i < config.forward_headers.size(); ++i) {
    const std::string& name = config.forward_headers[i];
    if (!is_header_name(name)) report.item_error("forwardHeaders", i, config::quote(name) + " is not a header name");
    if (is_reserved_header(name))
      report.item_error("forwardHeaders", i, config::quote(name) + " belongs to one hop or to Fiso and is never forwarded");
  }
}

std::optional<net::TlsServerOptions> tls_of(const HttpSource::Config& config) {
  if (!config.tls.has_value()) return std::nullopt;
  return net::TlsServerOptions{config.tls->cert_file, config.tls->key_file};
}

}  // namespace

config::Spec<HttpSource::Config> HttpSource::spec() {
  auto tls = config::Spec<Tls>("tls", "The server's certificate.")
                 .required("certFile", &Tls::cert_file, "Certificate and its chain, PEM.")
                 .required("keyFile", &Tls::key_file, "Private key, PEM.");
  return config::Spec<Config>("http", "Events by HTTP POST, answered when the sink has taken them.")
      .required("listenAddr", &Config::listen_addr, "Address to listen on, `host:port` or `:port`; flows may share one.",
                {.missing = "http source: HTTP listen address is required", .pattern = ":[0-9]{1,5}$", .check = bad_address})
      .field("path", &Config::path, "Path that takes events; one that ends in / takes all below it.",
             {.pattern = "^/[^?# {}]*$", .check = bad_path})
      .field("forwardHeaders", &Config::forward_headers, "Headers of the request that are sent on to the sink.")
      .field("tls", &Config::tls, tls, "Serve https. Flows that share an address agree on it.")
      .check({"forwardHeaders"}, check_forwards);
}

void HttpSource::check(const Config& config, const core::Resources& resources, config::Report& report) {
  auto tls = tls_of(config);
  if (tls.has_value()) {
    if (auto usable = net::make_tls_server_context(*tls); !usable.has_value()) report.error("tls", usable.error().describe());
  }
  auto& tables = resources.get<net::RouteTables>();
  if (auto alone = tables.check_address(config.listen_addr); !alone.has_value())
    return report.error("listenAddr", alone.error().message());
  bool tls_agrees = tables.agrees(config.listen_addr, tls);
  if (auto claimed = tables.claim(config.listen_addr, config.path, tls); !claimed.has_value())
    report.error(tls_agrees ? "path" : "tls", claimed.error().message());
}

core::Prepared<core::Source> HttpSource::prepare(const Config& config, core::BuildContext& context) {
  auto& tables = context.resources.get<net::RouteTables>();
  FISO_TRY_OK(tables.claim(config.listen_addr, config.path, tls_of(config)));
  return std::make_shared<HttpSourcePlan>(config, context.status_mode, tables);
}

void HttpSource::start(core::Intake& intake) {
  intake_ = &intake;
  routes_.add(config_.listen_addr, config_.path, *this);
}

Task<net::HttpResponse> HttpSource::call(net::HttpRequest& request) {
  if (request.method != "POST") co_return net::text_response(405, "method not allowed");
  Reply reply;
  core::Delivery delivery(make_event(request), reply);
  co_await intake_->take(std::move(delivery));
  co_return to_response(reply.outcome());
}

core::Event HttpSource::make_event(net::HttpRequest& request) const {
  core::Event event;
  event.payload = core::Payload(std::move(request.body));
  event.headers = std::move(request.headers);
  event.topic = kTopic;
  event.caller = request.caller;
  for (const std::string& name : config_.forward_headers) {
    auto value = event.headers.find(name);
    if (value.has_value() && !net::is_named_hop_field(event.headers, name)) event.sink_headers.add(name, *value);
  }
  return event;
}

net::HttpResponse HttpSource::to_response(const Result<>& outcome) const {
  if (outcome.has_value()) return net::HttpResponse();
  const Error& error = outcome.error();
  int status = net::status_for(error.code());
  bool later = status == 503;
  if (!later && status_mode_ == core::StatusMode::kCompatible) status = 500;
  net::HttpResponse response = net::text_response(status, error.message());
  if (later) response.headers.add("Retry-After", "1");
  return response;
}

}  // namespace fiso::sources
