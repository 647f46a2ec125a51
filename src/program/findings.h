// What `fiso doctor` has found: a line for each thing that it looked at, with the cure of what is wrong.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fiso::program {

enum class Verdict {
  kOk,
  kWarn,  // something works less well, or not at all, that not everybody needs
  kFail,  // servers do not start, or not as they are configured
};

struct Finding {
  Verdict verdict = Verdict::kOk;
  std::string subject;  // what was looked at
  std::string found;    // further lines are details
  std::string cure;     // empty where there is nothing to cure
  bool operator==(const Finding&) const = default;
};

class Findings {
 public:
  void add(Verdict verdict, std::string subject, std::string found, std::string cure = "");
  const std::vector<Finding>& all() const { return all_; }
  bool has(Verdict verdict) const;

 private:
  std::vector<Finding> all_;
};

// "warn  Landlock: not in this kernel; use Linux 5.13 or newer\n", details indented below.
std::string to_text(const Finding& finding);

}  // namespace fiso::program
