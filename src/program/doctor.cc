#include "program/doctor.h"

#include <algorithm>
#include <cstdio>

namespace fiso::program {
namespace {

// As it goes on: compiling what a configuration names takes a while.
void tell_new(const Findings& findings, size_t& told) {
  for (; told < findings.all().size(); ++told) std::printf("%s", to_text(findings.all()[told]).c_str());
  std::fflush(stdout);
}

}  // namespace

int ask_doctor(const DoctorOptions& options) {
  Findings findings;
  size_t told = 0;
  examine_machine(findings);
  tell_new(findings, told);
  examine_engines(options.wasmer_host, findings);
  tell_new(findings, told);
  examine_toolchains(findings);
  tell_new(findings, told);
  examine_configuration(options, findings);
  tell_new(findings, told);
  auto count = [&](Verdict verdict) { return std::ranges::count(findings.all(), verdict, &Finding::verdict); };
  std::printf("%td ok, %td warnings, %td failures\n", count(Verdict::kOk), count(Verdict::kWarn), count(Verdict::kFail));
  return findings.has(Verdict::kFail) ? 1 : 0;
}

}  // namespace fiso::program
