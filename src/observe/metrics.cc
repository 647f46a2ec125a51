#include "observe/metrics.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>
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

PrometheusLabels sorted(Labels labels, PrometheusLabels list = {}) {
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

void fill(prometheus::ClientMetric& metric, const SecondsCounter& counter) {
  metric.counter.value = std::chrono::duration<double>(counter.value()).count();
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

// The series of one name and type. References stay good until a series is removed.
template <class Series>
class Family {
 public:
  // `owner` is what may remove it; null: nobody.
  template <class... Args>
  Series& get(PrometheusLabels labels, const void* owner, const Args&... args) {
    if (!series_.empty()) FISO_CHECK(same_names(series_.begin()->first, labels), "one metric with different label names");
    if (series_.size() >= Metrics::kMaxSeries && !series_.contains(labels)) {
      for (auto& label : labels) label.value = kOther;
      owner = nullptr;
    }
    auto [entry, added] = series_.try_emplace(std::move(labels), owner, args...);
    Owned& owned = entry->second;
    if (owned.owner != owner) owned.owner = nullptr;
    return owned.series;
  }

  void remove(const PrometheusLabels& labels, const void* owner) {
    auto found = series_.find(labels);
    if (found != series_.end() && found->second.owner == owner) series_.erase(found);
  }

  std::vector<prometheus::ClientMetric> collect() const {
    std::vector<prometheus::ClientMetric> metrics;
    for (const auto& [labels, owned] : series_) {
      prometheus::ClientMetric& metric = metrics.emplace_back();
      metric.label = labels;
      fill(metric, owned.series);
    }
    return metrics;
  }

 private:
  struct Owned {
    template <class... Args>
    explicit Owned(const void* first_owner, const Args&... args) : owner(first_owner), series(args...) {}
    const void* owner;
    Series series;
  };
  std::map<PrometheusLabels, Owned> series_;
};

template <class Series>
constexpr prometheus::MetricType kType = prometheus::MetricType::Untyped;
template <>
constexpr prometheus::MetricType kType<Counter> = prometheus::MetricType::Counter;
template <>
constexpr prometheus::MetricType kType<SecondsCounter> = prometheus::MetricType::Counter;
template <>
constexpr prometheus::MetricType kType<Gauge> = prometheus::MetricType::Gauge;
template <>
constexpr prometheus::MetricType kType<Histogram> = prometheus::MetricType::Histogram;

struct NamedFamily {
  std::string help;
  std::variant<Family<Counter>, Family<SecondsCounter>, Family<Gauge>, Family<Histogram>> family;
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

struct Metrics::Group {
  PrometheusLabels common;  // constant
  size_t holders = 0;
  std::set<std::pair<std::string, PrometheusLabels>> asked_for;  // family and labels
};

struct Metrics::Impl {
  struct Registry {
    Families families;
    std::map<PrometheusLabels, Group> groups;
  };
  mutable Guarded<Registry> registry;

  template <class Series, class... Args>
  Series& get(Group* group, std::string_view name, std::string_view help, Labels labels, const Args&... args) {
    PrometheusLabels all = sorted(labels, group == nullptr ? PrometheusLabels() : group->common);
    return registry.with([&](Registry& locked) -> Series& {
      if (group != nullptr) group->asked_for.emplace(name, all);
      return family_of<Series>(locked.families, name, help).get(std::move(all), group, args...);
    });
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
  return impl_->get<Counter>(nullptr, name, help, labels);
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
  return impl_->get<Gauge>(nullptr, name, help, labels);
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, Labels labels, std::span<const double> upper_bounds) {
  return impl_->get<Histogram>(nullptr, name, help, labels, upper_bounds);
}

std::string Metrics::expose() const {
  std::vector<prometheus::MetricFamily> list = impl_->registry.with([](const Impl::Registry& registry) {
    std::vector<prometheus::MetricFamily> collected;
    for (const auto& [name, named] : registry.families)
      if (auto family = collect(name, named); !family.metric.empty()) collected.push_back(std::move(family));
    return collected;
  });
  append_process_metrics(list);
  return prometheus::TextSerializer().Serialize(list);
}

SeriesGroup::SeriesGroup(Metrics& metrics, Labels common)
    : metrics_(metrics), group_(metrics.impl_->registry.with([&](Metrics::Impl::Registry& registry) -> Metrics::Group& {
        PrometheusLabels labels = sorted(common);
        Metrics::Group& group = registry.groups.try_emplace(labels, Metrics::Group{.common = labels}).first->second;
        ++group.holders;
        return group;
      })) {}

SeriesGroup::~SeriesGroup() {
  metrics_.impl_->registry.with([&](Metrics::Impl::Registry& registry) {
    if (--group_.holders > 0) return;
    for (const auto& [name, labels] : group_.asked_for)
      std::visit([&](auto& family) { family.remove(labels, &group_); }, registry.families.find(name)->second.family);
    registry.groups.erase(registry.groups.find(group_.common));
  });
}

Counter& SeriesGroup::counter(std::string_view name, std::string_view help, Labels more) const {
  return metrics_.impl_->get<Counter>(&group_, name, help, more);
}

SecondsCounter& SeriesGroup::seconds(std::string_view name, std::string_view help, Labels more) const {
  return metrics_.impl_->get<SecondsCounter>(&group_, name, help, more);
}

Gauge& SeriesGroup::gauge(std::string_view name, std::string_view help, Labels more) const {
  return metrics_.impl_->get<Gauge>(&group_, name, help, more);
}

Histogram& SeriesGroup::histogram(std::string_view name, std::string_view help, Labels more,
                                  std::span<const double> upper_bounds) const {
  return metrics_.impl_->get<Histogram>(&group_, name, help, more, upper_bounds);
}

}  // namespace fiso::observe
