#include "observe/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace fiso::observe {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

size_t count(std::string_view text, std::string_view part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++found;
  return found;
}

TEST(Metrics, CountersAreExposedWithTheirLabels) {
  Metrics metrics;
  metrics.counter("fiso_flow_events_total", "Events by outcome.", {{"flow", "orders"}, {"status", "delivered"}}).increment(3);
  metrics.counter("fiso_flow_events_total", "Events by outcome.", {{"flow", "orders"}, {"status", "failed"}}).increment();
  std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("# HELP fiso_flow_events_total Events by outcome.\n# TYPE fiso_flow_events_total counter\n"));
  EXPECT_THAT(text, HasSubstr("fiso_flow_events_total{flow=\"orders\",status=\"delivered\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("fiso_flow_events_total{flow=\"orders\",status=\"failed\"} 1\n"));
  EXPECT_EQ(count(text, "# TYPE fiso_flow_events_total"), 1u);
}

TEST(Metrics, EqualLabelsInAnyOrderAreOneSeries) {
  Metrics metrics;
  Counter& a = metrics.counter("c_total", "h", {{"x", "1"}, {"y", "2"}});
  Counter& b = metrics.counter("c_total", "h", {{"y", "2"}, {"x", "1"}});
  EXPECT_EQ(&a, &b);
  EXPECT_NE(&a, &metrics.counter("c_total", "h", {{"x", "2"}, {"y", "1"}}));
}

TEST(Metrics, GaugesGoUpAndDown) {
  Metrics metrics;
  Gauge& gauge = metrics.gauge("in_flight", "h");
  gauge.increment();
  gauge.add(4.5);
  gauge.decrement();
  EXPECT_THAT(metrics.expose(), HasSubstr("# TYPE in_flight gauge\nin_flight 4.5\n"));
  gauge.set(-1);
  EXPECT_THAT(metrics.expose(), HasSubstr("in_flight -1\n"));
}

TEST(Metrics, HistogramBucketsAreCumulativeAndInclusive) {
  Metrics metrics;
  static constexpr double kBounds[] = {0.25, 1, 5};
  Histogram& histogram = metrics.histogram("took_seconds", "h", {{"flow", "a"}}, kBounds);
  histogram.observe(0.25);
  histogram.observe(0.5);
  histogram.observe(Duration(std::chrono::milliseconds(2250)));
  histogram.observe(100.0);
  EXPECT_EQ(histogram.count(), 4u);
  std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("# TYPE took_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("took_seconds_bucket{flow=\"a\",le=\"0.25\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("took_seconds_bucket{flow=\"a\",le=\"1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("took_seconds_bucket{flow=\"a\",le=\"5\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("took_seconds_bucket{flow=\"a\",le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("took_seconds_count{flow=\"a\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("took_seconds_sum{flow=\"a\"} 103\n"));
}

TEST(Metrics, LabelValuesAreEscaped) {
  Metrics metrics;
  metrics.counter("c_total", "h", {{"flow", "a\"b\\c\nd"}});
  EXPECT_THAT(metrics.expose(), HasSubstr(R"(c_total{flow="a\"b\\c\nd"} 0)"));
}

TEST(Metrics, AFamilyStopsGrowing) {
  Metrics metrics;
  for (size_t i = 0; i < Metrics::kMaxSeries + 500; ++i)
    metrics.counter("c_total", "h", {{"flow", "f" + std::to_string(i)}, {"status", "s"}}).increment();
  std::string text = metrics.expose();
  EXPECT_EQ(count(text, "\nc_total{"), Metrics::kMaxSeries + 1);
  EXPECT_THAT(text, HasSubstr("c_total{flow=\"other\",status=\"other\"} 500\n"));
  EXPECT_EQ(metrics.counter("c_total", "h", {{"flow", "f7"}, {"status", "s"}}).value(), 1u);
}

TEST(SeriesGroup, ItsSeriesGoWithTheLastGroupOfTheSameLabels) {
  Metrics metrics;
  auto before_reload = std::make_unique<SeriesGroup>(metrics, Labels{{"flow", "a"}});
  Counter& counter = before_reload->counter("c_total", "h", {{"status", "s"}});
  counter.increment(3);
  auto after_reload = std::make_unique<SeriesGroup>(metrics, Labels{{"flow", "a"}});
  EXPECT_EQ(&after_reload->counter("c_total", "h", {{"status", "s"}}), &counter);
  before_reload.reset();
  counter.increment();
  EXPECT_THAT(metrics.expose(), HasSubstr("c_total{flow=\"a\",status=\"s\"} 4\n"));
  after_reload.reset();
  EXPECT_THAT(metrics.expose(), Not(HasSubstr("c_total")));
}

TEST(SeriesGroup, ItsCounterIsMonotonicWhileTheOldGroupStillMovesIt) {
  Metrics metrics;
  auto draining = std::make_unique<SeriesGroup>(metrics, Labels{{"flow", "a"}});
  Counter& old_way = draining->counter("c_total", "h");
  old_way.increment();
  SeriesGroup current(metrics, {{"flow", "a"}});  // has not asked for the series yet
  old_way.increment();
  draining.reset();
  EXPECT_EQ(current.counter("c_total", "h").value(), 2u);
}

TEST(SeriesGroup, OtherGroupsAndSeriesOfNoGroupStay) {
  Metrics metrics;
  metrics.gauge("g", "h", {{"flow", "none"}, {"module", "m"}}).set(1);
  SeriesGroup other(metrics, {{"flow", "b"}});
  other.gauge("g", "h", {{"module", "m"}}).set(2);
  {
    SeriesGroup flow(metrics, {{"flow", "a"}});
    SeriesGroup module(metrics, {{"module", "m"}, {"flow", "a"}});
    module.gauge("g", "h").set(3);
    flow.histogram("s_seconds", "h").observe(1.0);
    EXPECT_THAT(metrics.expose(), HasSubstr("g{flow=\"a\",module=\"m\"} 3\n"));
  }
  std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("g{flow=\"b\",module=\"m\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("g{flow=\"none\",module=\"m\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("flow=\"a\"")));
}

TEST(SeriesGroup, WhatOthersAskedForTooStays) {
  Metrics metrics;
  auto group = std::make_unique<SeriesGroup>(metrics, Labels{{"flow", "a"}});
  group->counter("c_total", "h").increment();
  Counter& kept = metrics.counter("c_total", "h", {{"flow", "a"}});
  group.reset();
  kept.increment();
  EXPECT_THAT(metrics.expose(), HasSubstr("c_total{flow=\"a\"} 2\n"));
}

TEST(SeriesGroup, NamesThatComeAndGoDoNotFillAFamily) {
  Metrics metrics;
  for (size_t i = 0; i < 3 * Metrics::kMaxSeries; ++i) {
    SeriesGroup group(metrics, {{"flow", "f" + std::to_string(i)}});
    group.counter("c_total", "h").increment();
    EXPECT_EQ(count(metrics.expose(), "\nc_total{"), 1u);
  }
  EXPECT_THAT(metrics.expose(), Not(HasSubstr("c_total")));
}

// The flow's name is the one that flows share which found no room.
TEST(SeriesGroup, TheSharedSeriesOfAFullFamilyStays) {
  Metrics metrics;
  auto first = std::make_unique<SeriesGroup>(metrics, Labels{{"flow", "other"}});
  first->counter("c_total", "h").increment();
  for (size_t i = 0; i + 1 < Metrics::kMaxSeries; ++i) metrics.counter("c_total", "h", {{"flow", "f" + std::to_string(i)}});
  auto late = std::make_unique<SeriesGroup>(metrics, Labels{{"flow", "late"}});
  Counter& shared = late->counter("c_total", "h");
  first.reset();
  shared.increment();
  late.reset();
  EXPECT_THAT(metrics.expose(), HasSubstr("c_total{flow=\"other\"} 2\n"));
}

TEST(Metrics, TheProcessIsExposedToo) {
  std::string text = Metrics().expose();
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes",
                           "process_start_time_seconds", "process_open_fds", "process_max_fds"})
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name + " ")) << name;
  EXPECT_THAT(text, Not(HasSubstr("process_resident_memory_bytes 0\n")));
  EXPECT_THAT(text, Not(HasSubstr("process_open_fds 0\n")));
}

TEST(Metrics, NothingIsLostBetweenThreads) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      Counter& counter = metrics.counter("c_total", "h");
      Histogram& histogram = metrics.histogram("h_seconds", "h");
      Gauge& gauge = metrics.gauge("g", "h");
      for (int n = 0; n < 1000; ++n) {
        counter.increment();
        histogram.observe(1.0);
        gauge.increment();
        if (n % 100 == 0) (void)metrics.expose();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(metrics.counter("c_total", "h").value(), 4000u);
  EXPECT_EQ(metrics.histogram("h_seconds", "h").sum(), 4000.0);
  EXPECT_EQ(metrics.gauge("g", "h").value(), 4000.0);
}

TEST(MetricsDeathTest, MisuseIsABug) {
  Metrics metrics;
  metrics.counter("c_total", "h", {{"flow", "a"}});
  EXPECT_DEATH(metrics.gauge("c_total", "h", {{"flow", "a"}}), "one metric name with two types");
  EXPECT_DEATH(metrics.counter("c_total", "h", {{"status", "a"}}), "different label names");
  EXPECT_DEATH(metrics.counter("bad-name", "h"), "bad-name");
  EXPECT_DEATH(metrics.counter("d_total", "h", {{"bad-label", "a"}}), "bad-label");
}

}  // namespace
}  // namespace fiso::observe
