#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>

#include "program/doctor.h"
#include "program/engines.h"
#include "program/scratch_folder.h"
#include "program/workshop.h"
#include "wasm/artifact_cache.h"

namespace fiso::program {
namespace {

constexpr uint64_t kLeastRoom = 128 << 20;  // CPython's artifacts have 80 MB
constexpr uint32_t kSlots = 512;            // as servers have by default: their address space is reserved at once

// (module (memory (export "memory") 1) (func (export "_start")))
constexpr uint8_t kModule[] = {
    0, 'a', 's', 'm', 1,   0,   0,   0,   1,   4,   1, 0x60, 0, 0,   3,   2,   1,   0,   5,   3, 1, 0,  1,  //
    7, 19,  2,   6,   'm', 'e', 'm', 'o', 'r', 'y', 2, 0,    6, '_', 's', 't', 'a', 'r', 't', 0, 0, 10, 4, 1, 2, 0, 11};

void examine_cache(Findings& findings) {
  std::string directory = wasm::ArtifactCache::default_directory();
  if (directory.empty())
    return findings.add(Verdict::kWarn, "module cache", "there is no directory for it, so each start compiles all modules",
                        "set FISO_CACHE_DIR, or HOME");
  constexpr char kCure[] = "name a directory of this user's own by FISO_CACHE_DIR";
  auto cache = wasm::ArtifactCache::open(directory);
  if (!cache.has_value()) return findings.add(Verdict::kFail, "module cache", cache.error().describe(), kCure);
  if (access(directory.c_str(), W_OK | X_OK) != 0)
    return findings.add(Verdict::kFail, "module cache", directory + " cannot be written to: " + errno_text(errno), kCure);
  struct statvfs status{};
  if (statvfs(directory.c_str(), &status) == 0 && static_cast<uint64_t>(status.f_bavail) * status.f_frsize < kLeastRoom)
    return findings.add(Verdict::kWarn, "module cache", directory + " has less than 128 MiB free",
                        "make room, or name another directory by FISO_CACHE_DIR");
  findings.add(Verdict::kOk, "module cache", directory);
}

// Compiles a module and runs it.
Result<> try_light_engine() {
  FISO_TRY(ScratchFolder folder, ScratchFolder::make());
  FISO_TRY(std::string file, folder.write("doctor.wasm", kModule));
  Workshop workshop(observe::LogLevel::kOff);
  FISO_TRY_OK(workshop.open_light(512_KiB, wasm::CacheUse::kWished, kSlots));
  ModuleRun run{.file = file, .preopens = {}, .env = {}, .arguments = {}, .limits = {}, .max_stack = 512_KiB};
  FISO_TRY(auto setup, make_setup(run, {}));
  FISO_TRY(auto module, workshop.engine().load(file));
  FISO_TRY(auto prepared, module->prepare(setup));
  wasm::RunResult result = workshop.run(*prepared, setup, "");
  if (result.outcome != wasm::Outcome::kOk) return wasm::to_error(result, run.limits);
  return {};
}

void examine_light_engine(Findings& findings) {
  auto tried = try_light_engine();
  if (tried.has_value()) return findings.add(Verdict::kOk, "guests", "a module was compiled and has run");
  rlimit space{};
  bool limited = getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY;
  findings.add(Verdict::kFail, "guests", tried.error().describe(),
               limited ? "address space for memories is reserved ahead: it must be unlimited here (ulimit -v unlimited)"
                       : "raise the limit that this names, or give the machine what is missing");
}

void examine_full_engine(const std::string& wasmer_host, Findings& findings) {
  if (std::string why_not = all_engines().full.why_not; !why_not.empty())
    return findings.add(Verdict::kWarn, "fiso-wasmer-host", "not in this build",
                        "guests and apps with `runtime: wasmer` need it: build with FISO_WASMER=ON");
  const char* from_environment = std::getenv("FISO_WASMER_HOST");
  bool is_named = !wasmer_host.empty() || from_environment != nullptr;
  Workshop workshop(observe::LogLevel::kOff);
  auto opened = workshop.open_full(wasm::CacheUse::kWished, wasmer_host);
  if (opened.has_value())
    return findings.add(Verdict::kOk, "fiso-wasmer-host", "it answers: guests and apps with `runtime: wasmer` can run");
  findings.add(is_named ? Verdict::kFail : Verdict::kWarn, "fiso-wasmer-host", opened.error().describe(),
               is_named ? "name the worker of this version by --wasmer-host or FISO_WASMER_HOST"
                        : "only guests and apps with `runtime: wasmer` need it: the package fiso-wasmer has it");
}

}  // namespace

void examine_engines(const std::string& wasmer_host, Findings& findings) {
  examine_cache(findings);
  examine_light_engine(findings);
  examine_full_engine(wasmer_host, findings);
}

}  // namespace fiso::program
