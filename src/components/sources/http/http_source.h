// Events by HTTP POST, answered when the sink has taken them.
//
// 200 with an empty body means delivered. A failed event is answered 500 with its failure code and a short text, or with the
// status that says whose fault it was (`statusMode: precise`); 503 with Retry-After means that we are overloaded or stopping.
// Any method but POST is 405.
#pragma once

#include <string>
#include <vector>

#include "core/component.h"
#include "net/http_service.h"
#include "net/route_table.h"

namespace fiso::sources {

class HttpSource final : public core::Source, public net::HttpService {
 public:
  static constexpr std::string_view kType = "http";
  struct Tls {
    std::string cert_file;
    std::string key_file;
  };
  struct Config {
    std::string listen_addr;
    std::string path = "/";
    std::vector<std::string> forward_headers;
    std::optional<Tls> tls;
  };
  static config::Spec<Config> spec();
  // Needs net::RouteTables, which all sources claim from.
  static void check(const Config& config, const core::Resources& resources, config::Report& report);
  static core::Prepared<core::Source> prepare(const Config& config, core::BuildContext& context);

  HttpSource(const Config& config, core::StatusMode status_mode, net::RouteTable& routes)
      : config_(config), status_mode_(status_mode), routes_(routes) {}

  // Registers the path; requests are answered from then on.
  void start(core::Intake& intake) override;
  Task<net::HttpResponse> call(net::HttpRequest& request) override;

 private:
  core::Event make_event(net::HttpRequest& request) const;
  net::HttpResponse to_response(const Result<>& outcome) const;

  const Config& config_;  // the plan's
  core::StatusMode status_mode_;
  net::RouteTable& routes_;
  core::Intake* intake_ = nullptr;
};

}  // namespace fiso::sources
