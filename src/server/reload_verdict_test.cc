#include "server/reload_verdict.h"

#include <gtest/gtest.h>

#include "json/scan.h"

namespace fiso::server {
namespace {

using std::chrono::milliseconds;

TEST(ReloadVerdictsTest, CountsAttemptsAndGenerations) {
  ReloadVerdicts verdicts;
  verdicts.record("", milliseconds(2));
  EXPECT_TRUE(verdicts.to_json().starts_with(R"({"generation":1,"attempts":1,"status":"ok","duration_ms":2.0)"))
      << verdicts.to_json();
  verdicts.record("a.yaml:1:2: \"x\"\nb.yaml", milliseconds(1));
  EXPECT_TRUE(verdicts.to_json().starts_with(R"({"generation":1,"attempts":2,"status":"failed",)")) << verdicts.to_json();
  EXPECT_TRUE(verdicts.to_json().ends_with(R"("error":"a.yaml:1:2: \"x\"\nb.yaml"})")) << verdicts.to_json();
  EXPECT_TRUE(json::validate(verdicts.to_json()).has_value());
  verdicts.record("", milliseconds(1));
  EXPECT_TRUE(verdicts.to_json().starts_with(R"({"generation":2,"attempts":3,"status":"ok",)")) << verdicts.to_json();
  EXPECT_EQ(verdicts.to_json().find("error"), std::string::npos);
}

TEST(ReloadVerdictsTest, NamesTheSettingsThatNeedARestart) {
  ReloadVerdicts verdicts;
  verdicts.record("", milliseconds(1), {"shards", "http.maxHeaders"});
  EXPECT_TRUE(verdicts.to_json().ends_with(R"(,"restart_needed":["shards","http.maxHeaders"]})")) << verdicts.to_json();
  EXPECT_TRUE(json::validate(verdicts.to_json()).has_value());
  verdicts.record("", milliseconds(1));
  EXPECT_EQ(verdicts.to_json().find("restart"), std::string::npos);
}

}  // namespace
}  // namespace fiso::server
