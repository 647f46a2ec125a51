#include "observe/metrics.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <variant>

#include "base/check.h"
#include "base/guarded.h"
#include "observe/process_metrics.h"

namespace fiso::observe {
namespace {

using PrometheusLabels = std::vector<prometheus::ClientMetric::Label>;

constexpr std::string_view kOther = "other";

// [a-zA-Z_][a-zA-Z0-9_]*: what the format allows in label names and, with colons, in metric names.
bool is_name(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && letter(name.front()) && std::ranges::all_of(name, [&](char c) { return letter(c) || digit(c); });
}

PrometheusLabels sorted(Labels labels) {
  PrometheusLabels list;
  for (const Label& label : labels) {
    FISO_CHECK(is_name(label.name), label.name);
    list.push_back({std::string(label.name), std::string(label.value)});
  }
  std::sort(list.begin(), list.end());
  return list;
}

bool same_names(const PrometheusLabels& a, const PrometheusLabels& b) {
  return std::ranges::equal(a, b, {}, &prometheus::ClientMetric::Label::name, &prometheus::ClientMetric::Label::name);
}

void fill(prometheus::ClientMetric& metric, const Counter& counter) {
  metric.counter.value = static_cast<double>(counter.value());
}

void fill(prometheus::ClientMetric& metric, const Gauge& gauge) { metric.gauge.value = gauge.value(); }

void fill(prometheus::ClientMetric& metric, const Histogram& histogram) {
  uint64_t cumulative = 0;
  std::span<const double> bounds = histogram.upper_bounds();
  for (size_t i = 0; i <= bounds.size(); ++i) {
    cumulative += histogram.in_bucket(i);
    metric.histogram.bucket.push_back({cumulative, i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity()});
  }
  metric.histogram.sample_count = cumulative;  // the +Inf bucket and the count must agree within one exposition
  metric.histogram.sample_sum = histogram.sum();
}

// The series of one name and type. They are never removed, so references into the deque stay good.
template <class Series>
class Family {
 public:
  template <class... Args>
  Series& get(PrometheusLabels labels, const Args&... args) {
    if (!index_.empty()) FISO_CHECK(same_names(index_.begin()->first, labels), "one metric with different label names");
    if (index_.size() >= Metrics::kMaxSeries && !index_.contains(labels))
      for (auto& label : labels) label.value = kOther;
    auto [entry, added] = index_.try_emplace(std::move(labels), nullptr);
    if (added) entry->second = &series_.emplace_back(args...);
    return *entry->second;
  }

  std::vector<prometheus::ClientMetric> collect() const {
    std::vector<prometheus::ClientMetric> metrics;
    for (const auto& [labels, series] : index_) {
      prometheus::ClientMetric& metric = metrics.emplace_back();
      metric.label = labels;
      fill(metric, *series);
    }
    return metrics;
  }

 private:
  std::deque<Series> series_;
  std::map<PrometheusLabels, Series*> index_;
};

template <class Series>
constexpr prometheus::MetricType kType = prometheus::MetricType::Untyped;
template <>
constexpr prometheus::MetricType kType<Counter> = prometheus::MetricType::Counter;
template <>
constexpr prometheus::MetricType kType<Gauge> = prometheus::MetricType::Gauge;
template <>
constexpr prometheus::MetricType kType<Histogram> = prometheus::MetricType::Histogram;

struct NamedFamily {
  std::string help;
  std::variant<Family<Counter>, Family<Gauge>, Family<Histogram>> family;
};

using Families = std::map<std::string, NamedFamily, std::less<>>;

template <class Series>
Family<Series>& family_of(Families& families, std::string_view name, std::string_view help) {
  FISO_CHECK(is_name(name), name);
  auto found = families.find(name);
  if (found == families.end())
    found = families.emplace(std::string(name), NamedFamily{std::string(help), Family<Series>{}}).first;
  auto* family = std::get_if<Family<Series>>(&found->second.family);
  FISO_CHECK(family != nullptr, "one metric name with two types");
  return *family;
}

prometheus::MetricFamily collect(const std::string& name, const NamedFamily& named) {
  auto collect_typed = [&]<class Series>(const Family<Series>& family) {
    return prometheus::MetricFamily{name, named.help, kType<Series>, family.collect()};
  };
  return std::visit(collect_typed, named.family);
}

}  // namespace

Histogram::Histogram(std::span<const double> upper_bounds)
    : upper_bounds_(upper_bounds.begin(), upper_bounds.end()),
      counts_(std::make_unique<std::atomic<uint64_t>[]>(upper_bounds.size() + 1)) {
  FISO_CHECK(std::ranges::is_sorted(upper_bounds_), "histogram buckets must ascend");
}

void Histogram::observe(double value) {
  size_t bucket = 0;
  while (bucket < upper_bounds_.size() && value > upper_bounds_[bucket]) ++bucket;
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

uint64_t Histogram::count() const {
  uint64_t count = 0;
  for (size_t i = 0; i <= upper_bounds_.size(); ++i) count += in_bucket(i);
  return count;
}

struct Metrics::Impl {
  mutable Guarded<Families> families;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
  return impl_->families.with(
      [&](Families& families) -> Counter& { return family_of<Counter>(families, name, help).get(sorted(labels)); });
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
  return impl_->families.with(
      [&](Families& families) -> Gauge& { return family_of<Gauge>(families, name, help).get(sorted(labels)); });
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, Labels labels, std::span<const double> upper_bounds) {
  return impl_->families.with([&](Families& families) -> Histogram& {
    return family_of<Histogram>(families, name, help).get(sorted(labels), upper_bounds);
  });
}

std::string Metrics::expose() const {
  std::vector<prometheus::MetricFamily> list = impl_->families.with([](const Families& families) {
    std::vector<prometheus::MetricFamily> collected;
    for (const auto& [name, named] : families) collected.push_back(collect(name, named));
    return collected;
  });
  append_process_metrics(list);
  return prometheus::TextSerializer().Serialize(list);
}

}  // namespace fiso::observe
