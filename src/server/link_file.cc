#include "server/link_file.h"

#include <algorithm>

#include "apps/app_interceptor.h"
#include "base/ascii.h"
#include "components/listen_address.h"
#include "components/process_network.h"
#include "config/file_text.h"
#include "net/name_lookup.h"
#include "server/apps_file.h"
#include "server/process_parts.h"
#include "server/registries.h"

namespace fiso::server {
namespace {

std::optional<std::string> bad_address(const std::string& address) {
  if (is_listen_address(address)) return std::nullopt;
  return "{path} \"{value}\" is not an address to listen on, such as 127.0.0.1:3500 or :3500";
}

void check_name_servers(const LinkFile& file, config::Report& report) {
  for (size_t i = 0; i < file.name_servers.size(); ++i)
    if (!net::is_name_server(file.name_servers[i]))
      report.item_error("nameServers", i,
                        config::quote(file.name_servers[i]) + " is not a name server, such as 10.0.0.53 or 10.0.0.53:5353");
}

bool is_this_machine(std::string_view host) {
  boost::system::error_code is_name;
  auto address = net::unmapped(boost::asio::ip::make_address(std::string(host), is_name));
  return is_name ? iequals(host, "localhost") : address.is_loopback() || address.is_unspecified();
}

// `address` as it was checked: HOST:PORT.
bool leads_to(const link::TargetConfig& target, const std::string& address) {
  if (target.host.empty() || !is_listen_address(address)) return false;
  size_t colon = address.rfind(':');
  std::string host = link::bare_host(address.substr(0, colon)), to = link::bare_host(target.host);
  if (address.substr(colon + 1) != std::to_string(target.effective_port())) return false;
  if (host.empty() || host == "0.0.0.0" || host == "::") return is_this_machine(to);
  bool both_local = is_this_machine(host) && is_this_machine(to) && (iequals(host, "localhost") || iequals(to, "localhost"));
  return both_local || iequals(host, to);
}

// A request to such a target would come back for ever, or reach pages that are not for callers.
void check_loops(const LinkFile& file, config::Report& report) {
  for (size_t i = 0; i < file.targets.size(); ++i)
    for (const std::string& address : {file.listen_addr, file.metrics_addr})
      if (leads_to(file.targets[i], address))
        report.item_error("targets", i,
                          "{path}: " + file.targets[i].host + " with port " + std::to_string(file.targets[i].effective_port()) +
                              " is fiso-link itself (" + address + ")");
}

void check_clusters(const LinkFile& file, config::Report& report) {
  for (size_t i = 0; i < file.targets.size(); ++i) {
    const auto& kafka = file.targets[i].kafka;
    if (kafka.has_value() && !kafka->cluster.empty() && !file.kafka.clusters.contains(kafka->cluster))
      report.item_error("targets", i, "{path}: kafka.cluster " + config::quote(kafka->cluster) + " not found in kafka.clusters");
  }
}

// An acknowledgement is no answer that a guest could look at.
void check_phases(const LinkFile& file, config::Report& report) {
  for (size_t i = 0; i < file.targets.size(); ++i)
    for (const auto& draft : file.interceptors[i])
      if (file.targets[i].protocol == link::Protocol::kKafka && draft.phase == core::CallFacts::Direction::kInbound)
        report.item_error("targets", i, "{path}: an interceptor with `phase: inbound` has no effect with `protocol: kafka`");
}

void check_vault(const LinkFile& file, config::Report& report) {
  for (size_t i = 0; i < file.targets.size(); ++i)
    if (auto complaint = link::vault_complaint(file.targets[i].auth, file.vault)) report.item_error("targets", i, *complaint);
}

void check_vault_is_used(const LinkFile& file, config::Report& report) {
  bool is_used = std::ranges::any_of(file.targets, [](const auto& target) { return !target.auth.vault.path.empty(); });
  if (!is_used && report.has("vault")) report.error("vault", "{path} has an effect with the vaultRef of a target only");
}

config::Spec<ListenTls> listen_tls_spec() {
  return config::Spec<ListenTls>("listenTls", "The certificate of the port where callers ask.")
      .required("certFile", &ListenTls::cert_file, "Certificate and its chain, PEM.")
      .required("keyFile", &ListenTls::key_file, "Private key, PEM.")
      .check([](const ListenTls& tls, config::Report& report) {
        if (auto usable = net::make_tls_server_context(tls.options()); !usable.has_value())
          report.error("certFile", usable.error().describe());
      });
}

}  // namespace

config::Spec<LinkFile> link_file_spec(const core::Registry& registry) {
  return config::Spec<LinkFile>("link", "Targets that callers reach as /link/NAME/….")
      .field("listenAddr", &LinkFile::listen_addr, "Where callers ask.", {.check = bad_address})
      .field("listenTls", &LinkFile::listen_tls, listen_tls_spec(), "Callers ask by https; HTTP/2 or HTTP/1.1 as ALPN agrees.")
      .field("metricsAddr", &LinkFile::metrics_addr, "Where /metrics, /healthz and /readyz are served.", {.check = bad_address})
      .field("targets", &LinkFile::targets, link::target_spec(registry), "The targets.")
      .uncompared("targets")  // each is compared with the one before
      .field("allowOrigins", &LinkFile::allow_origins,
             "Origins whose pages may ask, such as https://app.example; those of other sites are refused.")
      .field("nameServers", &LinkFile::name_servers,
             "Name servers to ask in place of those of /etc/resolv.conf: 10.0.0.53, 10.0.0.53:5353, [fd00::53]:53.")
      .field("shards", &LinkFile::shards, "Threads that serve; 0 is one per CPU.", config::between<int64_t>(0, 256))
      .field("shutdownTimeout", &LinkFile::shutdown_timeout, "How long a stop waits for what is in flight.",
             config::between<Duration>(std::chrono::milliseconds(1), std::chrono::hours(24)))
      .field("http", &LinkFile::http, http_settings_spec(), "Limits of the ports.")
      .field("network", &LinkFile::network, guest_network_spec(),
             "Of guests whose interceptor says nothing else; `runtime: wasmer`.")
      .field("wasm", &LinkFile::wasm, wasm_settings_spec(), "What all guests share.")
      .field("vault", &LinkFile::vault, link::vault_spec(), "Where secrets come from that a vaultRef names.")
      .field("wasmer", &LinkFile::wasmer, apps_section_spec(), "Apps in the same process (fiso-wasmer-link).")
      .uncompared("wasmer")  // each app is compared with the one before
      .field("kafka", &LinkFile::kafka, link::kafka_section_spec(), "Clusters for targets of `protocol: kafka`.")
      .uncompared("kafka")  // producers are compared with those before
      .check_always([](const LinkFile& file, config::Report& report) { link::check_targets(file.targets, report); })
      .check_always(check_clusters)
      .check({"vault"}, check_vault)
      .check({"targets", "vault"}, check_vault_is_used)
      .check({"nameServers"}, check_name_servers);
}

namespace {

std::vector<apps::AppConfig> apps_of(const LinkFile& file, const LinkAbilities& abilities) {
  if (file.wasmer.has_value()) return file.wasmer->apps;
  return abilities.apps.value_or(std::vector<apps::AppConfig>());
}

// Of those that answer requests.
std::vector<std::string> names_of(const LinkFile& file, const LinkAbilities& abilities) {
  std::vector<std::string> names;
  for (const apps::AppConfig& app : apps_of(file, abilities))
    if (app.listen == apps::Listen::kHttp) names.push_back(app.name);
  return names;
}

// The interceptors of all targets, each read by its own type, then checked against each other and the process.
void read_interceptors(LinkFile& file, const core::Registry& registry, LinkAbilities abilities, config::Errors& errors) {
  wasm::CapacityOptions capacity = capacity_options(file.wasm);
  ProcessNetwork network(file.network);
  apps::AppNames apps{names_of(file, abilities)};
  core::Resources checked_with;
  checked_with.add(abilities.full);
  checked_with.add(capacity);
  checked_with.add(network);
  if (abilities.runs_apps) checked_with.add(apps);
  for (size_t i = 0; i < file.targets.size(); ++i) {
    link::InterceptorDrafts& drafts = file.interceptors.emplace_back();
    for (const core::ComponentConfig& entry : file.targets[i].interceptors) {
      std::string path = "targets[" + std::to_string(i) + "].interceptors[" + std::to_string(drafts.size()) + "]";
      drafts.push_back(core::parse_component(registry.interceptors(), entry, path, errors));
      if (drafts.back().check) drafts.back().check(checked_with, errors);
    }
  }
}

// What the file says of apps, against what the program has.
void check_apps_of(const LinkFile& file, const LinkAbilities& abilities, config::Report& report) {
  if (file.wasmer.has_value() && !abilities.runs_apps)
    report.error("wasmer", "{path}: this program runs no apps: use fiso-wasmer-link");
  if (file.wasmer.has_value() && abilities.apps.has_value())
    report.error("wasmer", "{path}: apps are described in " + abilities.apps_place + " already; they can be in one place");
  ProcessNetwork network(file.network);
  for (const apps::AppConfig& app : apps_of(file, abilities))
    if (auto complaint = network.bad_dns(app.network))
      report.error("wasmer", "network.dns of app \"" + app.name + "\" " + *complaint);
  std::vector<std::string> names = names_of(file, abilities);
  for (size_t i = 0; i < file.targets.size(); ++i) {
    const link::TargetConfig& target = file.targets[i];
    if (target.protocol != link::Protocol::kApp || target.app.empty()) continue;
    if (!abilities.runs_apps)
      report.item_error("targets", i, "{path}: `protocol: app` needs fiso-wasmer-link, this program runs no apps");
    else if (std::ranges::find(names, target.app) == names.end())
      report.item_error("targets", i, "{path}: there is no app \"" + target.app + "\" that answers requests");
  }
}

// Of targets that may have been read in part: whatever else is wrong, what they are to each other is told with it.
void check_across_targets(const LinkFile& file, const LinkAbilities& abilities, config::Report& report) {
  check_loops(file, report);
  check_apps_of(file, abilities, report);
  check_phases(file, report);
}

// Of a file beside that of the program, which says what the process has.
void refuse_process_keys(const LinkFile& file, const std::string& admin_address, config::Report& report) {
  for (std::string_view key : kProcessKeys)
    if (report.has(key)) report.error(key, "{path} is for the whole process: it belongs into the program's own file");
  if (file.metrics_addr != admin_address && report.has("metricsAddr"))
    report.error("metricsAddr", "{path}: the process has one admin port, at " + admin_address + ": leave this out");
}

void use_process_settings(const Settings& settings, LinkFile& file) {
  file.shards = settings.shards;
  file.shutdown_timeout = settings.shutdown_timeout;
  file.network = settings.network;
  file.wasm = settings.wasm;
  file.http = settings.http;
}

}  // namespace

Result<LinkFile> load_link_file(const std::string& file, const LinkOverrides& overrides, const LinkAbilities& abilities) {
  auto text = config::read_file_text(file);
  if (!text.has_value())
    return Error(ErrorCode::kInvalidConfig, "load config: read config: open " + file + ": " + text.error().message());
  core::Registry registry;
  register_target_components(registry);
  config::Errors errors;
  LinkFile parsed;
  auto document = config::Document::parse(*text, file, errors);
  if (document.has_value() && document->root().is_null()) errors.add(config::nothing_in(file));
  if (document.has_value()) {
    auto spec = link_file_spec(registry);
    if (!abilities.full.why_not.empty())
      spec.check({"network"}, [&](const LinkFile&, config::Report& report) {
        if (report.has("network"))
          report.error("network", "{path} has an effect with `runtime: wasmer` only: " + abilities.full.why_not);
      });
    spec.parse(document->root(), "", parsed, errors);
    if (abilities.process.has_value()) {
      config::report_at(document->root(), "", errors,
                        [&](config::Report& report) { refuse_process_keys(parsed, overrides.metrics_addr, report); });
      use_process_settings(*abilities.process, parsed);
    }
    read_interceptors(parsed, registry, abilities, errors);
    check_each_app(document->root(), "wasmer", capacity_options(parsed.wasm), errors);
    if (!overrides.listen_addr.empty()) parsed.listen_addr = overrides.listen_addr;
    if (!overrides.metrics_addr.empty()) parsed.metrics_addr = overrides.metrics_addr;
    config::report_at(document->root(), "", errors,
                      [&](config::Report& report) { check_across_targets(parsed, abilities, report); });
  }
  if (errors.empty()) return parsed;
  std::string message = (document.has_value() ? "load config: validation:\n" : "load config: parse config: ") + errors.render();
  message.pop_back();  // the last line's end
  return Error(ErrorCode::kInvalidConfig, std::move(message));
}

}  // namespace fiso::server
