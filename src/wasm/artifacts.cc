#include "wasm/artifacts.h"

#include <sys/mman.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace fiso::wasm {
namespace {

double ms_since(MonotonicTime start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Artifacts::Artifacts(ArtifactsOptions options, observe::Log log) : options_(std::move(options)), log_(std::move(log)) {
  if (auto cache = ArtifactCache::open(options_.cache_directory); cache.has_value()) {
    cache_ = std::move(*cache);
  } else if (options_.cache_use == CacheUse::kRequired) {
    no_cache_ = cache.take_error().with_context("module cache cannot be used");
  } else {
    log_.warn("module cache is not used, modules are compiled at every start", {{"error", cache.error().describe()}});
  }
}

Result<FileHandle> Artifacts::find(const std::string& path, const ModuleFile& module, const std::string& key) const {
  if (cache_.has_value()) {
    if (auto cached = cache_->find(key)) return std::move(*cached);
  }
  return compile(path, module, key);
}

Result<FileHandle> Artifacts::compile(const std::string& path, const ModuleFile& module, const std::string& key) const {
  if (no_cache_.has_value()) return Error(*no_cache_);
  log_.info("compiling wasm module", {{"module", path}, {"bytes", module.bytes().size()}});
  MonotonicTime start = std::chrono::steady_clock::now();
  auto artifact = compile_in_child(module.bytes(), options_.settings, options_.limits, options_.stop, options_.compiler);
  if (!artifact.has_value() && artifact.error().code() == ErrorCode::kCancelled) return artifact.take_error();
  if (!artifact.has_value()) return unusable_module(path, artifact.error().message());
  log_.info("compiled wasm module", {{"module", path}, {"duration_ms", ms_since(start)}, {"artifact_bytes", artifact->size()}});
  if (cache_.has_value()) {
    auto stored = cache_->store(key, *artifact);
    if (!stored.has_value() && options_.cache_use == CacheUse::kRequired)
      return stored.take_error().with_context("module cache cannot be written");
    if (!stored.has_value()) {
      log_.warn("module cache cannot be written", {{"error", stored.error().describe()}});
    } else if (auto cached = cache_->find(key)) {
      return std::move(*cached);
    }
  }
  FileHandle memory(memfd_create("fiso-artifact", MFD_CLOEXEC));
  if (!memory || !write_all(memory.get(), *artifact)) return Error(ErrorCode::kInternal, errno_text(errno)).with_context("memfd");
  return memory;
}

}  // namespace fiso::wasm
