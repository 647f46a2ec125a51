#include "program/guest_commands.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "apps/app_message.h"
#include "components/interceptors/wasm/envelope.h"
#include "json/scan.h"
#include "program/json_difference.h"
#include "program/module_cases.h"
#include "program/workshop.h"

namespace fiso::program {
namespace {

constexpr int kFailed = 1;
constexpr int kNothingDone = 2;
constexpr std::string_view kScripts = "/scripts";  // where a guest sees the folder of a script

int fail(const Error& error, int exit_code) {
  std::fprintf(stderr, "error: %s\n", error.describe().c_str());
  return exit_code;
}

// What of a folder's files is seen in it: folders once, with a / behind them.
std::string names_in(const std::vector<GuestFile>& files) {
  std::set<std::string> names;
  for (const GuestFile& file : files) {
    size_t slash = file.path.find('/');
    names.insert(file.path.substr(0, slash) + (slash == std::string::npos ? "" : "/"));
  }
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

Result<std::string> find_python(const GuestTest& test, const TestedGuest& guest) {
  if (!test.python.empty()) return test.python;
  if (const char* named = std::getenv("FISO_PYTHON"); named != nullptr && *named != '\0') return std::string(named);
  std::string beside = (std::filesystem::path(guest.folder) / "python.wasm").string();
  std::error_code unknown;
  if (std::filesystem::exists(beside, unknown)) return beside;
  return Error(ErrorCode::kInvalidInput, guest.script +
                                             ": CPython for WASI runs scripts: name it by --python or FISO_PYTHON, or put " +
                                             beside + " there (docs/guests.md, In Python)");
}

// The module to load, and what it is told: a script is an argument of CPython, in a directory that it may read.
Result<ModuleRun> plan_run(const GuestTest& test, const TestedGuest& guest) {
  ModuleRun run = test.run;
  run.file = guest.module;
  if (guest.script.empty()) return run;
  FISO_TRY(run.file, find_python(test, guest));
  if (std::ranges::any_of(run.preopens, [](const auto& preopen) { return preopen.guest_path == kScripts; }))
    return Error(ErrorCode::kInvalidInput, "--dir: " + std::string(kScripts) + " is where the script is: take another path");
  run.preopens.push_back({std::string(kScripts), guest.folder, wasm::wasi::Access::kReadOnly});
  std::string script = std::string(kScripts) + "/" + std::filesystem::path(guest.script).filename().string();
  run.arguments.insert(run.arguments.begin(), std::move(script));
  return run;
}

Result<std::vector<GuestCase>> cases_of(const GuestTest& test, const TestedGuest& guest) {
  std::string folder = test.cases.empty() ? (std::filesystem::path(guest.folder) / "cases").string() : test.cases;
  FISO_TRY(std::vector<GuestCase> cases, read_cases(folder));
  for (const GuestCase& one : cases)
    if (test.kind.has_value() && one.kind != *test.kind)
      return Error(ErrorCode::kInvalidInput, folder + "/" + one.name + ".input.json: this is for an " +
                                                 std::string(to_string(one.kind)) + ", and --kind says " +
                                                 std::string(to_string(*test.kind)));
  return cases;
}

// What the servers would say of such an answer, else where it is another one than expected.
std::vector<std::string> wrong_with(const GuestCase& one, const wasm::RunResult& result, const wasm::Limits& limits) {
  if (result.outcome != wasm::Outcome::kOk) return {wasm::to_error(result, limits).message()};
  json::Document scratch;
  if (one.kind == GuestKind::kInterceptor) {
    if (auto read = interceptors::read_envelope(result.output, scratch); !read.has_value()) return {read.error().message()};
  } else if (auto read = apps::read_app_response(result.output); !read.has_value()) {
    return {"decode wasm response: " + read.error().message()};
  }
  return json_differences(one.expected, result.output);
}

void tell(const GuestCase& one, const std::vector<std::string>& wrong) {
  if (wrong.empty()) {
    std::printf("ok   %s\n", one.name.c_str());
    return;
  }
  std::printf("FAIL %s: %s\n", one.name.c_str(), wrong.front().c_str());
  for (size_t i = 1; i < wrong.size(); ++i)
    std::printf("     %*s  %s\n", static_cast<int>(one.name.size()), "", wrong[i].c_str());
}

// How many of them are wrong.
Result<size_t> run_cases(const std::vector<GuestCase>& cases, const ModuleRun& run) {
  FISO_TRY(auto setup, make_setup(run, {.fds = {-1, -1, STDERR_FILENO}}));
  Workshop workshop(observe::LogLevel::kWarn);
  FISO_TRY_OK(workshop.open_light(run.max_stack, wasm::CacheUse::kWished));
  FISO_TRY(auto module, workshop.engine().load(run.file));
  FISO_TRY(auto prepared, module->prepare(setup));
  size_t failed = 0;
  for (const GuestCase& one : cases) {
    std::vector<std::string> wrong = wrong_with(one, workshop.run(*prepared, setup, one.input), run.limits);
    tell(one, wrong);
    std::fflush(stdout);  // what the next one writes to stderr comes behind it
    if (!wrong.empty()) ++failed;
  }
  return failed;
}

}  // namespace

int write_new_guest(const NewGuest& guest) {
  if (auto good = check_guest_name(guest.name); !good.has_value()) return fail(good.error(), kNothingDone);
  std::vector<GuestFile> files = make_guest(guest.name, guest.language, guest.kind);
  if (auto written = write_guest(guest.name, files); !written.has_value()) return fail(written.error(), kFailed);
  const char* name = guest.name.c_str();
  std::printf("%s: %s\n\nNext:\n", name, names_in(files).c_str());
  if (guest.language == "python")
    std::printf("  export FISO_PYTHON=/path/to/python.wasm     # CPython for WASI (docs/guests.md)\n");
  else
    std::printf("  make -C %s     # builds %s/%s.wasm\n", name, name, name);
  std::printf("  fiso module test %s     # gives it %s/cases/*.input.json\n%s/README.md says how it is used.\n", name, name,
              name);
  return 0;
}

int test_guest(const GuestTest& test) {
  auto guest = find_tested_guest(test.path);
  if (!guest.has_value()) return fail(guest.error(), kNothingDone);
  auto cases = cases_of(test, *guest);
  if (!cases.has_value()) return fail(cases.error(), kNothingDone);
  auto run = plan_run(test, *guest);
  if (!run.has_value()) return fail(run.error(), kNothingDone);
  auto failed = run_cases(*cases, *run);
  if (!failed.has_value()) return fail(failed.error(), kNothingDone);
  std::printf("%zu of %zu cases passed\n", cases->size() - *failed, cases->size());
  return *failed == 0 ? 0 : kFailed;
}

}  // namespace fiso::program
