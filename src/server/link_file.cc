#include "server/link_file.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/file_handle.h"
#include "components/listen_address.h"
#include "link/credentials.h"
#include "net/tls.h"
#include "server/settings.h"

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
    if (target.is_secure())
      if (auto tls = net::make_tls_client_context({.ca_file = target.tls.value_or(link::TargetTls()).ca_file}); !tls.has_value())
        report.error("targets", "target \"" + target.name + "\": " + tls.error().describe());
  }
}

}  // namespace

config::Spec<LinkFile> link_file_spec() {
  return config::Spec<LinkFile>("link", "Targets that callers reach as /link/NAME/….")
      .field("listenAddr", &LinkFile::listen_addr, "Where callers ask.", {.check = bad_address})
      .field("metricsAddr", &LinkFile::metrics_addr, "Where /metrics, /healthz and /readyz are served.", {.check = bad_address})
      .field("targets", &LinkFile::targets, link::target_spec(), "The targets.")
      .field("allowOrigins", &LinkFile::allow_origins,
             "Origins whose pages may ask, such as https://app.example; those of other sites are refused.")
      .field("shards", &LinkFile::shards, "Threads that serve; 0 is one per CPU.", config::between<int64_t>(0, 256))
      .field("shutdownTimeout", &LinkFile::shutdown_timeout, "How long a stop waits for what is in flight.",
             config::between<Duration>(std::chrono::milliseconds(1), std::chrono::hours(24)))
      .field("http", &LinkFile::http, http_settings_spec(), "Limits of the ports.")
      .unsupported("kafka", "kafka targets are not built yet")
      .check({"targets"}, [](const LinkFile& file, config::Report& report) {
        link::check_targets(file.targets, report);
        check_files(file.targets, report);
      });
}

Result<LinkFile> load_link_file(const std::string& file) {
  std::error_code unknown;
  std::ifstream input;
  if (std::filesystem::is_regular_file(file, unknown)) input.open(file, std::ios::binary);
  if (!input.is_open()) {
    std::string why = unknown ? unknown.message() : errno_text(errno);
    return Error(ErrorCode::kInvalidConfig, "load config: read config: open " + file + ": " + why);
  }
  std::ostringstream text;
  text << input.rdbuf();
  config::Errors errors;
  LinkFile parsed;
  if (auto document = config::Document::parse(text.str(), file, errors); document.has_value())
    link_file_spec().parse(document->root(), "", parsed, errors);
  if (errors.empty()) return parsed;
  std::string message = "load config: validation:\n" + errors.render();
  message.pop_back();  // the last line's end
  return Error(ErrorCode::kInvalidConfig, std::move(message));
}

}  // namespace fiso::server
