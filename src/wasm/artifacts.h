// Where an engine gets compiled modules from: the cache, or a child process that compiles.
//
// Only this process writes the cache; without one every start compiles. Announces in the log what it compiles and how long
// that took. Threading: control thread.
#pragma once

#include <optional>
#include <string>

#include "observe/log.h"
#include "wasm/artifact_cache.h"
#include "wasm/compile_child.h"
#include "wasm/module_file.h"

namespace fiso::wasm {

// Whether what is compiled must get into the cache: else it is an error that it does not, and not a warning.
enum class CacheUse { kWished, kRequired };

struct ArtifactsOptions {
  std::string cache_directory = ArtifactCache::default_directory();
  CompileLimits limits;
  CacheUse cache_use = CacheUse::kWished;
  std::string compiler = kOwnProgram;  // the program that compiles
  std::string settings;                // what it is told
  std::string fingerprint;             // what an artifact depends on besides the module
  StopRequest stop;                    // ends a compile early, with kCancelled
};

class Artifacts {
 public:
  // A cache that cannot be used is a warning in the log; where it is required, find() and compile() fail for it.
  Artifacts(ArtifactsOptions options, observe::Log log);

  std::string key(const ModuleFile& module) const { return ArtifactCache::key(module.bytes(), options_.fingerprint); }
  // Compiles what the cache does not have. Errors name the path.
  Result<FileHandle> find(const std::string& path, const ModuleFile& module, const std::string& key) const;
  // Compiles in any case: for an artifact that is intact and still of no use.
  Result<FileHandle> compile(const std::string& path, const ModuleFile& module, const std::string& key) const;

 private:
  ArtifactsOptions options_;
  observe::Log log_;
  std::optional<ArtifactCache> cache_;
  std::optional<Error> no_cache_;  // where it is required
};

}  // namespace fiso::wasm
