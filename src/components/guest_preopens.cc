#include "components/guest_preopens.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "base/file_handle.h"

namespace fiso {
namespace {

constexpr std::string_view kReadOnlySuffix = ":ro";

}  // namespace

std::optional<std::string> bad_preopens(const std::map<std::string, std::string>& preopens) {
  for (const auto& [guest, host] : preopens)
    if (guest.empty() || host.empty() || host == kReadOnlySuffix)
      return "{path}: write /guest/path: /host/path, with :ro after it for read-only";
  return std::nullopt;
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
