#include "server/link_file.h"

#include "components/builtin.h"
#include "components/listen_address.h"
#include "components/process_network.h"
#include "config/file_text.h"
#include "link/credentials.h"
#include "net/tls.h"
#include "server/process_parts.h"

namespace fiso::server {
namespace {

std::optional<std::string> bad_address(const std::string& address) {
  if (is_listen_address(address)) return std::nullopt;
  return "{path} \"{value}\" is not an address to listen on, such as 127.0.0.1:3500 or :3500";
}

// What can only be told by looking: secrets and certificates. A target without its secret would go out without credentials.
void check_files(const std::vector<link::TargetConfig>& targets, config::Report& report) {
  for (size_t i = 0; i < targets.size(); ++i) {
    const link::TargetConfig& target = targets[i];
    if (target.auth.type != link::AuthType::kNone)
      if (auto credential = link::read_credential(target.auth); !credential.has_value())
        report.error("targets", "target \"" + target.name + "\": " + credential.error().message());
    if (target.protocol == link::Protocol::kHttps)
      if (auto tls = net::make_tls_client_context({.ca_file = target.tls.ca_file}); !tls.has_value())
        report.error("targets", "target \"" + target.name + "\": " + tls.error().describe());
  }
}

}  // namespace

config::Spec<LinkFile> link_file_spec(const core::Registry& registry) {
  return config::Spec<LinkFile>("link", "Targets that callers reach as /link/NAME/….")
      .field("listenAddr", &LinkFile::listen_addr, "Where callers ask.", {.check = bad_address})
      .field("metricsAddr", &LinkFile::metrics_addr, "Where /metrics, /healthz and /readyz are served.", {.check = bad_address})
      .field("targets", &LinkFile::targets, link::target_spec(registry), "The targets.")
      .field("allowOrigins", &LinkFile::allow_origins,
             "Origins whose pages may ask, such as https://app.example; those of other sites are refused.")
      .field("shards", &LinkFile::shards, "Threads that serve; 0 is one per CPU.", config::between<int64_t>(0, 256))
      .field("shutdownTimeout", &LinkFile::shutdown_timeout, "How long a stop waits for what is in flight.",
             config::between<Duration>(std::chrono::milliseconds(1), std::chrono::hours(24)))
      .field("http", &LinkFile::http, http_settings_spec(), "Limits of the ports.")
      .field("network", &LinkFile::network, guest_network_spec(),
             "Of guests whose interceptor says nothing else; `runtime: wasmer`.")
      .field("wasm", &LinkFile::wasm, wasm_settings_spec(), "What all guests share.")
      .unsupported("kafka", "kafka targets are not built yet")
      .check({"targets"}, [](const LinkFile& file, config::Report& report) {
        link::check_targets(file.targets, report);
        check_files(file.targets, report);
      });
}

namespace {

// The interceptors of all targets, each read by its own type, then checked against each other and the process.
void read_interceptors(LinkFile& file, const core::Registry& registry, wasm::FullEngineSupport full, config::Errors& errors) {
  wasm::CapacityOptions capacity = capacity_options(file.wasm);
  ProcessNetwork network(file.network);
  core::Resources checked_with;
  checked_with.add(full);
  checked_with.add(capacity);
  checked_with.add(network);
  for (size_t i = 0; i < file.targets.size(); ++i) {
    link::InterceptorDrafts& drafts = file.interceptors.emplace_back();
    for (const core::ComponentConfig& entry : file.targets[i].interceptors) {
      std::string path = "targets[" + std::to_string(i) + "].interceptors[" + std::to_string(drafts.size()) + "]";
      drafts.push_back(core::parse_component(registry.interceptors(), entry, path, errors));
      if (drafts.back().check) drafts.back().check(checked_with, errors);
    }
  }
}

}  // namespace

Result<LinkFile> load_link_file(const std::string& file, const wasm::FullEngineSupport& full) {
  auto text = config::read_file_text(file);
  if (!text.has_value())
    return Error(ErrorCode::kInvalidConfig, "load config: read config: open " + file + ": " + text.error().message());
  core::Registry registry;
  register_target_interceptors(registry);
  config::Errors errors;
  LinkFile parsed;
  if (auto document = config::Document::parse(*text, file, errors); document.has_value()) {
    link_file_spec(registry).parse(document->root(), "", parsed, errors);
    read_interceptors(parsed, registry, full, errors);
  }
  if (errors.empty()) return parsed;
  std::string message = "load config: validation:\n" + errors.render();
  message.pop_back();  // the last line's end
  return Error(ErrorCode::kInvalidConfig, std::move(message));
}

}  // namespace fiso::server
