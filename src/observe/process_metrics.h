// What the kernel says about this process, under the names that every Prometheus client uses. Internal to this library.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

namespace fiso::observe {

// Reads /proc now; what cannot be read is left out.
void append_process_metrics(std::vector<prometheus::MetricFamily>& families);

}  // namespace fiso::observe
