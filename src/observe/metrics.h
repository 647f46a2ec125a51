// Counters, gauges and histograms, and their exposition in Prometheus' text format 0.0.4.
//
// A series is looked up once, when a configuration is built (under a lock), and moved on the hot path through the reference
// that was returned, with atomics only. Series live as long as the registry, but for those that were asked of a SeriesGroup:
// they go with the last group of the same labels, so a counter survives a reload of its flow and not the flow. A family holds
// at most kMaxSeries series: what comes later shares one whose label values are all "other", so that no input can fill
// the memory. Thread-safe.
//
// The names and labels of a family are ours: an invalid name, another type or other label names under a known name are bugs.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace fiso::observe {

struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::initializer_list<Label>;

// Only rises. A cache line of its own, since shards move different counters at the same time.
class alignas(64) Counter {
 public:
  void increment(uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// A counter of time, which is shown in seconds.
class alignas(64) SecondsCounter {
 public:
  void increment(Duration by) { nanoseconds_.fetch_add(by.count(), std::memory_order_relaxed); }
  Duration value() const { return Duration(nanoseconds_.load(std::memory_order_relaxed)); }

 private:
  std::atomic<int64_t> nanoseconds_{0};
};

class alignas(64) Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double by) { value_.fetch_add(by, std::memory_order_relaxed); }
  void increment() { add(1); }
  void decrement() { add(-1); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Seconds, the buckets every Prometheus client starts with: for events and requests.
inline constexpr double kDefaultBuckets[] = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
// Seconds, from 10 microseconds on: for guest calls.
inline constexpr double kFineBuckets[] = {1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 5e-2, .25, 1, 5, 30};

class alignas(64) Histogram {
 public:
  // Ascending upper bounds; +Inf is implied.
  explicit Histogram(std::span<const double> upper_bounds);

  void observe(double value);
  void observe(Duration duration) { observe(std::chrono::duration<double>(duration).count()); }

  std::span<const double> upper_bounds() const { return upper_bounds_; }
  // Observations in bucket `i` alone; the last one is +Inf.
  uint64_t in_bucket(size_t i) const { return counts_[i].load(std::memory_order_relaxed); }
  uint64_t count() const;
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::vector<double> upper_bounds_;
  std::unique_ptr<std::atomic<uint64_t>[]> counts_;
  std::atomic<double> sum_{0};
};

class Metrics {
 public:
  static constexpr size_t kMaxSeries = 1000;  // of one family

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;

  // Equal names and labels give the same series; the order of labels does not matter.
  Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, Labels labels = {},
                       std::span<const double> upper_bounds = kDefaultBuckets);

  // All series, and those of the process itself (process_*), read now.
  std::string expose() const;

 private:
  friend class SeriesGroup;
  struct Group;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The series of one owner, such as a flow, with the labels that name it. Groups of equal labels share their series, which go
// with the last of them; one that others asked for too stays. Whoever moves a series holds its group, which must not outlive
// the registry. Thread-safe.
class SeriesGroup {
 public:
  SeriesGroup(Metrics& metrics, Labels common);
  ~SeriesGroup();
  SeriesGroup(const SeriesGroup&) = delete;

  // `more` labels than the common ones.
  Counter& counter(std::string_view name, std::string_view help, Labels more = {}) const;
  SecondsCounter& seconds(std::string_view name, std::string_view help, Labels more = {}) const;
  Gauge& gauge(std::string_view name, std::string_view help, Labels more = {}) const;
  Histogram& histogram(std::string_view name, std::string_view help, Labels more = {},
                       std::span<const double> upper_bounds = kDefaultBuckets) const;

 private:
  Metrics& metrics_;
  Metrics::Group& group_;
};

}  // namespace fiso::observe
