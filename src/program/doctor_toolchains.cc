#include "program/doctor_toolchains.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "program/ask_tool.h"
#include "program/doctor.h"
#include "program/scratch_folder.h"

namespace fiso::program {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr GoVersion kLeastGo{1, 21};
constexpr std::string_view kProgram = "#include <stdio.h>\nint main(void) { return puts(\"{}\") < 0; }\n";

// Only a program with a main shows that the C library and the compiler's own are there.
Result<> build_c(const std::string& compiler) {
  FISO_TRY(ScratchFolder folder, ScratchFolder::make());
  FISO_TRY(std::string source, folder.write("doctor.c", {reinterpret_cast<const uint8_t*>(kProgram.data()), kProgram.size()}));
  FISO_TRY(std::string said,
           ask_tool({compiler, "--target=wasm32-wasi", "-O2", source, "-o", folder.path() + "/doctor.wasm"}, kPatience));
  return {};
}

void examine_c(Findings& findings) {
  constexpr char kCure[] = "guests in C need clang-19, lld-19, wasi-libc and libclang-rt-19-dev-wasm32";
  for (const char* compiler : {"clang-19", "clang"}) {
    auto built = build_c(compiler);
    if (built.has_value()) return findings.add(Verdict::kOk, "C", std::string(compiler) + " builds for wasm32-wasi");
    if (built.error().code() != ErrorCode::kNotFound)
      return findings.add(Verdict::kWarn, "C",
                          std::string(compiler) + " does not build for wasm32-wasi: " + built.error().message(), kCure);
  }
  findings.add(Verdict::kWarn, "C", "clang-19 is not in PATH", kCure);
}

void examine_go(Findings& findings) {
  constexpr char kCure[] = "guests in Go need Go 1.21 or newer";
  auto said = ask_tool({"go", "version"}, kPatience);
  if (!said.has_value())
    return findings.add(
        Verdict::kWarn, "Go",
        said.error().code() == ErrorCode::kNotFound ? "go is not in PATH" : "go version: " + said.error().message(), kCure);
  auto version = parse_go_version(*said);
  if (!version.has_value()) return findings.add(Verdict::kWarn, "Go", "go version says nothing that looks like one", kCure);
  std::string found = "go " + std::to_string(version->major) + "." + std::to_string(version->minor);
  if (*version < kLeastGo) return findings.add(Verdict::kWarn, "Go", found + " cannot build for wasip1", kCure);
  findings.add(Verdict::kOk, "Go", found);
}

void examine_rust(Findings& findings) {
  constexpr char kTarget[] = "wasm32-wasip1";
  auto said = ask_tool({"rustc", "--print", "target-libdir", "--target", kTarget}, kPatience);
  constexpr char kCure[] = "guests in Rust need it: rustup target add wasm32-wasip1";
  if (!said.has_value() && said.error().code() == ErrorCode::kNotFound)
    return findings.add(Verdict::kWarn, "Rust", "rustc is not in PATH", "guests in Rust need it, and its target wasm32-wasip1");
  if (!said.has_value()) return findings.add(Verdict::kWarn, "Rust", "rustc: " + said.error().message(), kCure);
  std::string folder = said->substr(0, said->find('\n'));
  std::error_code unknown;
  if (!std::filesystem::is_directory(folder, unknown))
    return findings.add(Verdict::kWarn, "Rust", "rustc has no standard library for wasm32-wasip1", kCure);
  findings.add(Verdict::kOk, "Rust", "rustc builds for wasm32-wasip1");
}

void examine_python(Findings& findings) {
  const char* named = std::getenv("FISO_PYTHON");
  if (named == nullptr || *named == '\0')
    return findings.add(Verdict::kWarn, "Python", "FISO_PYTHON names no CPython for WASI",
                        "`fiso module test` needs it for scripts (docs/guests.md, In Python)");
  if (access(named, R_OK) == 0) return findings.add(Verdict::kOk, "Python", named);
  findings.add(Verdict::kWarn, "Python", "FISO_PYTHON: " + std::string(named) + " cannot be read",
               "name CPython for WASI, python.wasm");
}

}  // namespace

std::optional<GoVersion> parse_go_version(std::string_view said) {
  constexpr std::string_view kBefore = "go version go";
  size_t at = said.find(kBefore);
  if (at == std::string_view::npos) return std::nullopt;
  const char* digits = said.data() + at + kBefore.size();
  const char* end = said.data() + said.size();
  GoVersion version;
  auto major = std::from_chars(digits, end, version.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
  if (std::from_chars(major.ptr + 1, end, version.minor).ec != std::errc()) return std::nullopt;
  return version;
}

void examine_toolchains(Findings& findings) {
  examine_c(findings);
  examine_go(findings);
  examine_rust(findings);
  examine_python(findings);
}

}  // namespace fiso::program
