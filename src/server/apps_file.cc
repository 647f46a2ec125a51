#include "server/apps_file.h"

#include "components/process_network.h"
#include "config/file_text.h"
#include "server/process_parts.h"

namespace fiso::server {

config::Spec<AppsFile> apps_file_spec() {
  return config::Spec<AppsFile>("apps", "Apps, in apps.yaml.")
      .field("apps", &AppsFile::apps, apps::app_spec(), "The apps, started in this order.")
      .field("defaultPortRange", &AppsFile::default_port_range, apps::port_range_spec(), "Ports for apps that name none.")
      .field("shards", &AppsFile::shards, "Threads that serve; 0 is one per CPU.", config::between<int64_t>(0, 256))
      .field("shutdownTimeout", &AppsFile::shutdown_timeout, "How long a stop waits for what is in flight.",
             config::between<Duration>(std::chrono::milliseconds(1), std::chrono::hours(24)))
      .field("network", &AppsFile::network, guest_network_spec(), "Of guests whose app says nothing else; `runtime: wasmer`.")
      .field("wasm", &AppsFile::wasm, wasm_settings_spec(), "What all guests share.")
      .field("http", &AppsFile::http, http_settings_spec(), "Limits of the ports.")
      .check({"apps"}, [](const AppsFile& file, config::Report& report) { apps::check_apps(file.apps, report); })
      .check({"apps", "network"}, [](const AppsFile& file, config::Report& report) {
        ProcessNetwork network(file.network);
        for (const apps::AppConfig& app : file.apps)
          if (auto complaint = network.bad_dns(app.network))
            report.error("apps", "network.dns of app \"" + app.name + "\" " + *complaint);
      });
}

config::Spec<AppsSection> apps_section_spec() {
  return config::Spec<AppsSection>("wasmer", "Apps in the same process.")
      .field("apps", &AppsSection::apps, apps::app_spec(),
             "The apps, started in this order, before the program's other ports open.")
      .field("defaultPortRange", &AppsSection::default_port_range, apps::port_range_spec(), "Ports for apps that name none.")
      .check({"apps"}, [](const AppsSection& section, config::Report& report) { apps::check_apps(section.apps, report); });
}

void check_each_app(const config::Node& root, const std::string& section, const wasm::CapacityOptions& all,
                    config::Errors& errors) {
  std::optional<config::Node> holder = section.empty() ? root : root.find(section);
  std::optional<config::Node> apps = holder.has_value() ? holder->find("apps") : std::nullopt;
  if (!apps.has_value()) return;
  size_t index = 0;
  for (const config::Node& node : apps->items()) {
    std::string path = (section.empty() ? "apps[" : section + ".apps[") + std::to_string(index++) + "]";
    apps::AppConfig app;
    config::Errors known;
    if (!apps::app_spec().parse(node, path, app, known)) continue;
    config::report_at(node, path, errors, [&](config::Report& report) { apps::check_app(app, all, report); });
  }
}

Result<AppsFile> load_apps_file(const std::string& file, AppsFileOf of) {
  auto text = config::read_file_text(file);
  bool is_part = of == AppsFileOf::kPart;
  if (!text.has_value())
    return Error(ErrorCode::kInvalidConfig,
                 (is_part ? "read wasmer config: open " : "reading config: open ") + file + ": " + text.error().message());
  config::Errors errors;
  AppsFile parsed;
  auto document = config::Document::parse(*text, file, errors);
  if (document.has_value() && document->root().is_null()) errors.add(config::nothing_in(file));
  if (document.has_value()) {
    auto spec = apps_file_spec();
    if (is_part)
      spec.check({}, [](const AppsFile&, config::Report& report) {
        for (std::string_view key : kProcessKeys)
          if (report.has(key)) report.error(key, "{path} is for the whole process: it belongs into the program's own file");
      });
    spec.parse(document->root(), "", parsed, errors);
    check_each_app(document->root(), "", capacity_options(parsed.wasm), errors);
  }
  if (errors.empty()) return parsed;
  std::string message = (is_part ? "parse wasmer config:\n" : "parsing config:\n") + errors.render();
  message.pop_back();  // the last line's end
  return Error(ErrorCode::kInvalidConfig, std::move(message));
}

}  // namespace fiso::server
