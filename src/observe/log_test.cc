#include "observe/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/testing/manual_clock.h"
#include "observe/sampled_log.h"
#include "observe/testing/captured_log.h"

namespace fiso::observe {
namespace {

using fiso::testing::CapturedLog;
using fiso::testing::ManualClock;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

// The one line that `write` wrote, without its time.
template <class F>
std::string line_of(F write) {
  CapturedLog captured;
  write(captured.log());
  EXPECT_EQ(captured.count(), 1u);
  std::string line = captured.lines().at(0);
  return line.substr(line.find("\"level\""));
}

std::string field_value(std::string_view text) {
  std::string line = line_of([&](const Log& log) { log.info("m", {{"k", text}}); });
  return line.substr(line.find("\"k\":") + 4);
}

TEST(Log, ALineHasItsFieldsInOrder) {
  ManualClock clock;
  CapturedLog captured;
  Log log = captured.log(LogLevel::kInfo, "fiso-flow", clock).with({{"flow", "orders"}});
  log.info("event delivered", {{"target", "http"}, {"latency_ms", 3.25}});
  std::string line = captured.lines().at(0);
  EXPECT_THAT(line, ::testing::StartsWith("{\"time\":\""));
  EXPECT_THAT(line, EndsWith(R"(Z","level":"INFO","msg":"event delivered","component":"fiso-flow","flow":"orders",)"
                             R"("target":"http","latency_ms":3.25})"));
}

TEST(Log, EveryKindOfValue) {
  std::string name = "n";
  std::string_view view = "v";
  const char* pointer = "p";
  std::string line = line_of([&](const Log& log) {
    log.error("m", {{"a", name},
                    {"b", view},
                    {"c", pointer},
                    {"d", -1},
                    {"e", std::numeric_limits<int64_t>::min()},
                    {"f", std::numeric_limits<uint64_t>::max()},
                    {"g", true},
                    {"h", false},
                    {"i", 0.1},
                    {"j", 1.0f},
                    {"k", std::numeric_limits<double>::infinity()},
                    {"l", size_t{7}},
                    {"m", uint16_t{8}}});
  });
  EXPECT_EQ(line, R"("level":"ERROR","msg":"m","component":"test","a":"n","b":"v","c":"p","d":-1,"e":-9223372036854775808,)"
                  R"("f":18446744073709551615,"g":true,"h":false,"i":0.1,"j":1,"k":"+Inf","l":7,"m":8})");
}

TEST(Log, ALevelThatIsOffWritesNothing) {
  CapturedLog captured;
  Log log = captured.log(LogLevel::kWarn);
  log.debug("1");
  log.info("2");
  log.warn("3");
  log.error("4");
  EXPECT_EQ(captured.count(), 2u);
  EXPECT_TRUE(captured.contains(R"("level":"WARN","msg":"3")"));
  EXPECT_FALSE(log.enabled(LogLevel::kInfo));
}

TEST(Log, ADefaultLogIsSilent) {
  Log log;
  log.error("nobody hears");
  log.with({{"a", 1}}).error("nobody hears");
  EXPECT_FALSE(log.enabled(LogLevel::kError));
}

TEST(Log, BoundFieldsAddUpAndDoNotReachTheOriginal) {
  CapturedLog captured;
  Log log = captured.log();
  Log flow = log.with({{"flow", "a"}});
  flow.with({{"sink", "b"}}).info("1");
  log.info("2");
  EXPECT_TRUE(captured.contains(R"("component":"test","flow":"a","sink":"b"})"));
  EXPECT_TRUE(captured.contains(R"("msg":"2","component":"test"})"));
}

TEST(Log, TextCannotForgeALine) {
  EXPECT_EQ(field_value("a\"}\n{\"b\":\t\\\r"), "\"a\\\"}\\n{\\\"b\\\":\\t\\\\\\r\"}");
  EXPECT_EQ(field_value(std::string_view("\0\x1b[31m\x7f", 7)), R"("\u0000\u001b[31m\u007f"})");
  std::string line = line_of([](const Log& log) { log.info("a\nb", {{"c\nd", 1}}); });
  EXPECT_THAT(line, HasSubstr(R"("msg":"a\nb")"));
  EXPECT_THAT(line, HasSubstr(R"("c\nd":1)"));
}

TEST(Log, OtherControlCharactersAreEscapedToo) {
  EXPECT_EQ(field_value("\xc2\x85\xe2\x80\xa8\xe2\x80\xa9"), R"("\u0085\u2028\u2029"})");
  EXPECT_EQ(field_value("é€😀\xc2\xa0"), "\"é€😀\xc2\xa0\"}");
}

TEST(Log, InvalidUtf8IsReplaced) {
  EXPECT_EQ(field_value("a\xff\xc0\xaf"
                        "b\xe2\x82"),
            R"("a\ufffd\ufffd\ufffdb\ufffd\ufffd"})");
  EXPECT_EQ(field_value("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd"})");
  EXPECT_EQ(field_value("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd"})");
  EXPECT_EQ(field_value("\xf0\x80\x80\x80\xe0\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd"})");
}

TEST(Log, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(field_value(std::string(kMaxLogText, 'a')).size(), kMaxLogText + 3);
  std::string cut = field_value(std::string(kMaxLogText - 1, 'a') + "€uro");
  EXPECT_THAT(cut, EndsWith("aa…\"}"));
  EXPECT_THAT(cut, Not(HasSubstr("fffd")));
  EXPECT_LT(field_value(std::string(kMaxLogText * 4, '\x80')).size(), kMaxLogText * 6 + 16);
}

TEST(LogLevel, IsReadAsPeopleWriteIt) {
  EXPECT_EQ(parse_log_level("debug"), LogLevel::kDebug);
  EXPECT_EQ(parse_log_level(" Info\n"), LogLevel::kInfo);
  EXPECT_EQ(parse_log_level("WARN"), LogLevel::kWarn);
  EXPECT_EQ(parse_log_level("warning"), LogLevel::kWarn);
  EXPECT_EQ(parse_log_level("Error"), LogLevel::kError);
  for (const char* text : {"", "verbose", "off", "warn ing"}) EXPECT_EQ(parse_log_level(text), LogLevel::kInfo) << text;
}

TEST(SampledLog, WritesSoManyLinesASecondAndCountsTheRest) {
  ManualClock clock;
  CapturedLog captured;
  SampledLog site(captured.log(), LogLevel::kWarn, 2, clock);
  for (int i = 0; i < 5; ++i) site.write("dropped a header", {{"i", i}});
  EXPECT_EQ(captured.count(), 2u);
  EXPECT_FALSE(captured.contains("suppressed"));

  clock.advance(std::chrono::seconds(1));
  for (int i = 5; i < 7; ++i) site.write("dropped a header", {{"i", i}});
  EXPECT_EQ(captured.count(), 4u);
  EXPECT_TRUE(captured.contains(R"("i":5,"suppressed":3})"));
  EXPECT_TRUE(captured.contains(R"("i":6})"));
}

TEST(SampledLog, CountsNothingWhileItsLevelIsOff) {
  ManualClock clock;
  CapturedLog captured;
  SampledLog site(captured.log(LogLevel::kError), LogLevel::kWarn, 1, clock);
  for (int i = 0; i < 5; ++i) site.write("x");
  EXPECT_EQ(captured.count(), 0u);
}

}  // namespace
}  // namespace fiso::observe
