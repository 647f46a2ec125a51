#include "program/findings.h"

#include <gtest/gtest.h>

namespace fiso::program {
namespace {

TEST(Findings, AreALineEachWithTheirCure) {
  EXPECT_EQ(to_text({Verdict::kOk, "kernel", "Linux 6.8", ""}), "ok    kernel: Linux 6.8\n");
  EXPECT_EQ(to_text({Verdict::kWarn, "Go", "not found", "install it"}), "warn  Go: not found; install it\n");
}

TEST(Findings, HaveTheirDetailsBelow) {
  EXPECT_EQ(to_text({Verdict::kFail, "flows", "2 problems\na:1: x\nb:2: y", "mend them"}),
            "FAIL  flows: 2 problems; mend them\n      a:1: x\n      b:2: y\n");
}

TEST(Findings, KnowTheirWorst) {
  Findings findings;
  findings.add(Verdict::kOk, "a", "b");
  EXPECT_FALSE(findings.has(Verdict::kFail));
  findings.add(Verdict::kFail, "c", "d", "e");
  EXPECT_TRUE(findings.has(Verdict::kFail));
  EXPECT_FALSE(findings.has(Verdict::kWarn));
  EXPECT_EQ(findings.all().size(), 2u);
}

}  // namespace
}  // namespace fiso::program
