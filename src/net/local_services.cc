#include "net/local_services.h"

#include <algorithm>

#include "base/ascii.h"
#include "net/http_server.h"

namespace fiso::net {
namespace {

constexpr std::string_view kApp = "app://", kLink = "link://";

Error bad(std::string_view what) { return {ErrorCode::kInvalidInput, "invalid URL: " + std::string(what)}; }

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool is_local_url(std::string_view text) {
  return iequals(text.substr(0, kApp.size()), kApp) || iequals(text.substr(0, kLink.size()), kLink);
}

Result<LocalUrl> parse_local_url(std::string_view text) {
  LocalUrl url;
  url.of = iequals(text.substr(0, kApp.size()), kApp) ? LocalUrl::Of::kApp : LocalUrl::Of::kTarget;
  text.remove_prefix(url.of == LocalUrl::Of::kApp ? kApp.size() : kLink.size());
  bool printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
  if (!printable) return bad("it has a character that no URL has");
  if (text.find('#') != std::string_view::npos) return bad("it has a fragment");
  size_t end = std::min(text.find_first_of("/?"), text.size());
  url.name = text.substr(0, end);
  if (url.name.empty()) return bad(url.of == LocalUrl::Of::kApp ? "expected app://NAME/PATH" : "expected link://TARGET/PATH");
  std::string_view path = text.substr(end);
  // A topic's path is its name alone, so nothing is added to it.
  if (url.of == LocalUrl::Of::kTarget) url.target = "/link/" + url.name;
  if (url.of == LocalUrl::Of::kApp && !path.starts_with('/')) url.target = "/";
  url.target += path;
  return url;
}

std::optional<std::string> LocalNames::complaint(const LocalUrl& url) const {
  if (url.of == LocalUrl::Of::kApp) {
    if (contains(apps, url.name)) return std::nullopt;
    return "there is no app \"" + url.name + "\" that answers requests (there are: " + list(apps) + ")";
  }
  if (!all_known) return std::nullopt;
  if (!targets.has_value()) return "there is no link in this process: name its file in link.configPath";
  if (contains(*targets, url.name)) return std::nullopt;
  return "there is no target \"" + url.name + "\" (there are: " + list(*targets) + ")";
}

void LocalServices::lead(const std::string& name, HttpServer& server) {
  shards_.run_on_each([&](async::Shard& shard) {
    Entry& entry = entries_[shard.index()][name];
    if (entry.server != &server) ++entry.version;
    entry.server = &server;
  });
}

void LocalServices::forget(const std::string& name) {
  shards_.run_on_each([&](async::Shard& shard) {
    auto known = entries_[shard.index()].find(name);
    if (known == entries_[shard.index()].end() || known->second.server == nullptr) return;
    known->second.server = nullptr;
    ++known->second.version;
  });
}

Result<Socket> LocalServices::connect(async::Shard& shard, std::string_view name) const {
  const Entries& entries = entries_[shard.index()];
  auto found = entries.find(name);
  if (found == entries.end() || found->second.server == nullptr)
    return Error(ErrorCode::kUnavailable, "not there").with_context(std::string(name));
  return found->second.server->connect(shard);
}

unsigned LocalServices::version(const async::Shard& shard, std::string_view name) const {
  const Entries& entries = entries_[shard.index()];
  auto found = entries.find(name);
  return found == entries.end() ? 0 : found->second.version;
}

}  // namespace fiso::net
