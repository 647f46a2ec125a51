#include "core/correlation.h"

#include <algorithm>

#include "base/uuid.h"

namespace fiso::core {
namespace {

constexpr std::string_view kNames[] = {"fiso-correlation-id", "x-correlation-id", "x-request-id"};
constexpr size_t kLongest = 256;

bool acceptable(std::string_view id) {
  return !id.empty() && id.size() <= kLongest && std::ranges::all_of(id, [](char c) { return c > ' ' && c < 127; });
}

// version "-" trace-id "-" parent-id "-" flags, lower-case hex (W3C Trace Context, section 3.2.2).
std::string_view trace_id(std::string_view traceparent) {
  if (traceparent.size() < 55 || traceparent[2] != '-' || traceparent[35] != '-') return {};
  std::string_view id = traceparent.substr(3, 32);
  bool hex = std::ranges::all_of(id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  bool zero = std::ranges::all_of(id, [](char c) { return c == '0'; });
  return hex && !zero ? id : std::string_view();
}

}  // namespace

Correlation find_correlation(const HeaderList& headers) {
  for (std::string_view name : kNames) {
    auto value = headers.find(name);
    if (value.has_value() && acceptable(*value)) return {std::string(*value), name};
  }
  if (auto parent = headers.find("traceparent"); parent.has_value()) {
    if (std::string_view id = trace_id(*parent); !id.empty()) return {std::string(id), "traceparent"};
  }
  return {make_uuid_v4(), "generated"};
}

}  // namespace fiso::core
