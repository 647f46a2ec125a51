#include "components/guest_preopens.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "base/file_handle.h"

namespace fiso {
namespace {

constexpr std::string_view kReadOnlySuffix = ":ro";

}  // namespace

std::optional<std::string> plain_guest_path(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  std::string plain;
  while (!path.empty()) {
    path.remove_prefix(1);
    std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    if (name == "." || name == "..") return std::nullopt;
    if (!name.empty()) (plain += '/') += name;
  }
  return plain.empty() ? "/" : plain;
}

void check_preopen_names(const std::map<std::string, std::string>& preopens, config::Report& report) {
  std::map<std::string, std::string> first;  // by the path as a guest would resolve it
  for (const auto& [guest, host] : preopens) {
    auto plain = plain_guest_path(guest);
    if (!plain.has_value()) {
      report.entry_error("preopens", guest, "write /guest/path: /host/path, the first without . and .. in it");
      continue;
    }
    if (host.empty() || host == kReadOnlySuffix)
      report.entry_error("preopens", guest, "write /guest/path: /host/path, with :ro after it for read-only");
    auto [other, is_new] = first.emplace(*plain, guest);
    if (!is_new) report.entry_error("preopens", guest, "the directory is there already, as " + other->second);
  }
}

void check_preopens(const std::map<std::string, std::string>& preopens, config::Report& report) {
  for (const wasm::wasi::PreopenOptions& preopen : to_preopens(preopens)) {
    FileHandle directory(::open(preopen.host_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory)
      report.entry_error("preopens", preopen.guest_path,
                         "preopen directory not accessible: " + preopen.host_path + ": " + errno_text(errno));
  }
}

std::vector<wasm::wasi::PreopenOptions> to_preopens(const std::map<std::string, std::string>& preopens) {
  std::vector<wasm::wasi::PreopenOptions> opened;
  for (const auto& [guest, host] : preopens) {
    wasm::wasi::PreopenOptions preopen{.guest_path = guest, .host_path = host};
    if (host.ends_with(kReadOnlySuffix)) {
      preopen.host_path.resize(host.size() - kReadOnlySuffix.size());
      preopen.access = wasm::wasi::Access::kReadOnly;
    }
    opened.push_back(std::move(preopen));
  }
  return opened;
}

}  // namespace fiso
