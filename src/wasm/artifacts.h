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

struct ArtifactsOptions {
  std::string cache_directory = ArtifactCache::default_directory();
  CompileLimits limits;
  std::string compiler = kOwnProgram;  // the program that compiles
  std::string settings;                // what it is told
  std::string fingerprint;             // what an artifact depends on besides the module
  StopRequest stop;                    // ends a compile early, with kCancelled
};

class Artifacts {
 public:
  // A cache that cannot be used is a warning in the log.
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
};

}  // namespace fiso::wasm
