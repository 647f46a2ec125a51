#include "wasm/wasi/guest_config.h"

#include <fcntl.h>

#include <cerrno>

#include "base/check.h"
#include "wasm/wasi/sandbox_path.h"

namespace fiso::wasm::wasi {
namespace {

Result<> append(StringBlock& block, std::string_view text) {
  if (text.find('\0') != std::string_view::npos)
    return Error(ErrorCode::kInvalidConfig, "arguments and environment of a guest must not contain a NUL");
  block.offsets.push_back(static_cast<uint32_t>(block.bytes.size()));
  block.bytes += text;
  block.bytes += '\0';
  return {};
}

Result<GuestConfig::Preopen> open_preopen(const PreopenOptions& options) {
  if (!can_resolve_beneath()) return Error(ErrorCode::kInvalidConfig, "preopens need a Linux kernel with openat2 (5.6 or later)");
  if (options.guest_path.empty()) return Error(ErrorCode::kInvalidConfig, "a preopen needs a guest path");
  FileHandle handle(::open(options.host_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle)
    return Error(ErrorCode::kInvalidConfig, "preopen directory not accessible: " + errno_text(errno))
        .with_context("preopen " + options.guest_path + ": " + options.host_path);
  return GuestConfig::Preopen{options.guest_path, std::make_shared<HostFile>(std::move(handle), options.access)};
}

Result<HostFileRef> duplicate(int fd) {
  FileHandle handle(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!handle)
    return Error(ErrorCode::kInvalidConfig, "standard stream " + std::to_string(fd) + " not accessible: " + errno_text(errno));
  return std::make_shared<const HostFile>(std::move(handle), Access::kReadWrite);
}

}  // namespace

Result<std::shared_ptr<const GuestConfig>> GuestConfig::open(GuestOptions options) {
  std::shared_ptr<GuestConfig> config(new GuestConfig);
  for (const std::string& arg : options.args) FISO_TRY_OK(append(config->args_, arg));
  for (const auto& [name, value] : options.env) FISO_TRY_OK(append(config->env_, name + "=" + value));
  for (const PreopenOptions& preopen : options.preopens) {
    FISO_TRY(Preopen opened, open_preopen(preopen));
    config->preopens_.push_back(std::move(opened));
  }
  for (size_t i = 0; i < config->streams_.size(); ++i) {
    if (options.pass_through.fds[i] < 0) continue;
    FISO_TRY(config->streams_[i], duplicate(options.pass_through.fds[i]));
    config->has_streams_ = true;
  }
  config->options_ = std::move(options);
  return std::shared_ptr<const GuestConfig>(std::move(config));
}

std::shared_ptr<const GuestConfig> GuestConfig::with_variable(const std::string& name, const std::string& value) const {
  std::shared_ptr<GuestConfig> config(new GuestConfig(*this));
  for (const auto& [known, unused] : options_.env)
    if (known == name) return config;
  FISO_CHECK(append(config->env_, name + "=" + value).has_value(), name);
  config->options_.env.emplace_back(name, value);
  return config;
}

}  // namespace fiso::wasm::wasi
