#include "program/findings.h"

#include <algorithm>
#include <utility>

namespace fiso::program {
namespace {

std::string_view word_of(Verdict verdict) {
  if (verdict == Verdict::kOk) return "ok    ";
  return verdict == Verdict::kWarn ? "warn  " : "FAIL  ";
}

}  // namespace

void Findings::add(Verdict verdict, std::string subject, std::string found, std::string cure) {
  all_.push_back({verdict, std::move(subject), std::move(found), std::move(cure)});
}

bool Findings::has(Verdict verdict) const {
  return std::ranges::any_of(all_, [verdict](const Finding& one) { return one.verdict == verdict; });
}

std::string to_text(const Finding& finding) {
  size_t end = finding.found.find('\n');
  std::string text = std::string(word_of(finding.verdict)) + finding.subject + ": " + finding.found.substr(0, end);
  if (!finding.cure.empty()) text += "; " + finding.cure;
  text += '\n';
  while (end != std::string::npos) {
    size_t begin = end + 1;
    end = finding.found.find('\n', begin);
    text += "      " + finding.found.substr(begin, end == std::string::npos ? end : end - begin) + '\n';
  }
  return text;
}

}  // namespace fiso::program
