#include "server/aio_file.h"

#include "components/listen_address.h"
#include "components/process_network.h"
#include "config/file_text.h"
#include "server/process_parts.h"

namespace fiso::server {
namespace {

std::optional<std::string> bad_address(const std::string& address) {
  if (is_listen_address(address)) return std::nullopt;
  return "{path} \"{value}\" is not an address to listen on, such as 127.0.0.1:9090 or :9090";
}

config::Spec<AioFile::Flow> flow_section_spec() {
  using Flow = AioFile::Flow;
  return config::Spec<Flow>("flow", "Flows.")
      .field("configDir", &Flow::config_dir, "Directory of flow files, *.yaml (env FISO_CONFIG_DIR, which wins).")
      .field("metricsAddr", &Flow::metrics_addr,
             "Where /metrics, /healthz, /readyz, /reload and /apps of the whole process are served (env FISO_METRICS_ADDR, which "
             "wins).",
             {.check = bad_address});
}

config::Spec<AioFile::Link> link_section_spec() {
  using Link = AioFile::Link;
  return config::Spec<Link>("link", "Targets.")
      .field("configPath", &Link::config_path, "The link file; without one there is no link (env FISO_LINK_CONFIG, which wins).")
      .field("listenAddr", &Link::listen_addr, "Where callers ask, in place of listenAddr of the link file.",
             {.check = bad_address});
}

void check_dns(const AioFile& file, config::Report& report) {
  ProcessNetwork network(file.network);
  for (const apps::AppConfig& app : file.wasmer.apps)
    if (auto complaint = network.bad_dns(app.network))
      report.error("wasmer", "network.dns of app \"" + app.name + "\" " + *complaint);
}

void override_with(const AioOverrides& overrides, AioFile& file) {
  if (!overrides.config_dir.empty()) file.flow.config_dir = overrides.config_dir;
  if (!overrides.metrics_addr.empty()) file.flow.metrics_addr = overrides.metrics_addr;
  if (!overrides.link_config.empty()) file.link.config_path = overrides.link_config;
}

}  // namespace

config::Spec<AioFile> aio_file_spec() {
  return config::Spec<AioFile>("aio", "Flows, targets and apps in one process.")
      .field("flow", &AioFile::flow, flow_section_spec(), "Flows, and the admin port.")
      .field("link", &AioFile::link, link_section_spec(), "Targets that callers reach as /link/NAME/….")
      .field("wasmer", &AioFile::wasmer, apps_section_spec(), "Apps.")
      .uncompared("wasmer")  // each app is compared with the one before
      .field("shards", &AioFile::shards, "Threads that serve; 0 is one per CPU.", config::between<int64_t>(0, 256))
      .field("shutdownTimeout", &AioFile::shutdown_timeout, "How long a stop waits for what is in flight.",
             config::between<Duration>(std::chrono::milliseconds(1), std::chrono::hours(24)))
      .uncompared("shutdownTimeout")  // is simply taken over
      .field("network", &AioFile::network, guest_network_spec(),
             "Of guests whose flow, target or app says nothing else; `runtime: wasmer`.")
      .field("wasm", &AioFile::wasm, wasm_settings_spec(), "What all guests share.")
      .field("http", &AioFile::http, http_settings_spec(), "Limits of the ports.")
      .check({"wasmer", "network"}, check_dns);
}

Result<AioFile> load_aio_file(const std::string& file, const AioOverrides& overrides) {
  auto text = config::read_file_text(file);
  if (!text.has_value()) return Error(ErrorCode::kInvalidConfig, "read config: open " + file + ": " + text.error().message());
  config::Errors errors;
  AioFile parsed;
  auto document = config::Document::parse(*text, file, errors);
  if (document.has_value() && document->root().is_null()) errors.add(config::nothing_in(file));
  if (document.has_value()) {
    auto spec = aio_file_spec();
    spec.check({"link"}, [&](const AioFile& read, config::Report& report) {
      if (report.has("link") && read.link.config_path.empty() && overrides.link_config.empty())
        report.error("link", "{path}: without configPath there is no link: give the link file's path, or leave this out");
    });
    spec.parse(document->root(), "", parsed, errors);
    check_each_app(document->root(), "wasmer", capacity_options(parsed.wasm), errors);
    override_with(overrides, parsed);
  }
  if (!overrides.metrics_addr.empty() && !is_listen_address(overrides.metrics_addr))
    errors.add({"FISO_METRICS_ADDR", 0, 0, "",
                "\"" + overrides.metrics_addr + "\" is not an address to listen on, such as 127.0.0.1:9090 or :9090"});
  if (errors.empty()) return parsed;
  std::string message = "parse config:\n" + errors.render();
  message.pop_back();  // the last line's end
  return Error(ErrorCode::kInvalidConfig, std::move(message));
}

}  // namespace fiso::server
