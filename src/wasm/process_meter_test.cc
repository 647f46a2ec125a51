#include "wasm/process_meter.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "observe/metrics.h"

namespace fiso::wasm {
namespace {

using std::chrono::seconds;

struct MeterTest : testing::Test {
  std::shared_ptr<const GuestSetup> guest(const std::string& name) {
    auto group = std::make_shared<const observe::SeriesGroup>(metrics, observe::Labels{{"guest", name}});
    auto setup = std::make_shared<GuestSetup>();
    setup->cpu = &group->seconds("cpu_seconds_total", "");
    setup->resident_bytes = &group->gauge("resident_bytes", "");
    setup->series = group;
    return setup;
  }

  observe::Metrics metrics;
  std::map<pid_t, ProcessMeter::Use> uses;
  ProcessMeter meter{[this](pid_t process) -> std::optional<ProcessMeter::Use> {
                       auto found = uses.find(process);
                       return found == uses.end() ? std::nullopt : std::optional(found->second);
                     },
                     Duration::zero()};
};

TEST_F(MeterTest, ShowsWhatTheProcessesOfAGuestUse) {
  auto one = guest("one"), other = guest("other");
  meter.add(10, one);
  meter.add(11, one);
  meter.add(12, other);
  uses = {{10, {seconds(1), 100}}, {11, {seconds(2), 200}}, {12, {seconds(4), 400}}};
  meter.sample();
  EXPECT_EQ(one->cpu->value(), seconds(3));
  EXPECT_EQ(one->resident_bytes->value(), 300);
  EXPECT_EQ(other->cpu->value(), seconds(4));
  uses[10] = {seconds(2), 50};
  meter.sample();
  EXPECT_EQ(one->cpu->value(), seconds(4));
  EXPECT_EQ(one->resident_bytes->value(), 250);
  EXPECT_NE(metrics.expose().find("# TYPE cpu_seconds_total counter"), std::string::npos);
  EXPECT_NE(metrics.expose().find("cpu_seconds_total{guest=\"one\"} 4\n"), std::string::npos);
}

TEST_F(MeterTest, AnEndedProcessLeavesItsCpuTimeAndTakesItsMemory) {
  auto one = guest("one");
  meter.add(10, one);
  uses = {{10, {seconds(1), 100}}};
  meter.sample();
  meter.remove(10, [] { return seconds(3); });
  EXPECT_EQ(one->cpu->value(), seconds(3));
  EXPECT_EQ(one->resident_bytes->value(), 0);
  meter.add(10, one);  // the number is another process's now
  uses = {{10, {seconds(1), 70}}};
  meter.sample();
  EXPECT_EQ(one->cpu->value(), seconds(4));
  EXPECT_EQ(one->resident_bytes->value(), 70);
}

TEST_F(MeterTest, CpuTimeNeverFalls) {
  auto one = guest("one");
  meter.add(10, one);
  uses = {{10, {seconds(5), 100}}};
  meter.sample();
  uses = {{10, {seconds(4), 100}}};  // a child has ended and is not among those that were waited for yet
  meter.sample();
  EXPECT_EQ(one->cpu->value(), seconds(5));
  uses = {{10, {seconds(6), 100}}};
  meter.sample();
  EXPECT_EQ(one->cpu->value(), seconds(6));
  meter.remove(10, [] { return seconds(5); });
  EXPECT_EQ(one->cpu->value(), seconds(6));
}

TEST_F(MeterTest, FreshFiguresAreNotReadAgain) {
  int read = 0;
  ProcessMeter patient([&](pid_t) { return ++read, std::optional<ProcessMeter::Use>(); }, std::chrono::hours(1));
  patient.add(10, guest("one"));
  patient.sample();
  patient.sample();
  EXPECT_EQ(read, 1);
}

TEST_F(MeterTest, TheSeriesGoWithTheLastProcess) {
  std::weak_ptr<const GuestSetup> known;
  {
    auto one = guest("one");
    known = one;
    meter.add(10, one);
  }
  meter.sample();
  EXPECT_NE(metrics.expose().find("guest=\"one\""), std::string::npos);
  meter.remove(10, [] { return Duration::zero(); });
  EXPECT_TRUE(known.expired());
  EXPECT_EQ(metrics.expose().find("guest=\"one\""), std::string::npos);
}

TEST(ProcessMeterTest, ReadsAProcessFromTheKernel) {
  auto use = ProcessMeter::read_use(getpid());
  ASSERT_TRUE(use.has_value());
  EXPECT_GT(use->resident_bytes, 4096U);
  EXPECT_FALSE(ProcessMeter::read_use(1 << 30).has_value());
}

}  // namespace
}  // namespace fiso::wasm
