#include "apps/app_plan.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace fiso::apps {
namespace {

std::optional<size_t> find_app(std::span<const AppInForce> running, const std::string& name) {
  auto found = std::ranges::find_if(running, [&](const AppInForce& app) { return app.as.config.name == name; });
  if (found == running.end()) return std::nullopt;
  return static_cast<size_t>(found - running.begin());
}

std::set<int64_t> named_ports(std::span<const WantedApp> wanted) {
  std::set<int64_t> named;
  for (const WantedApp& app : wanted) {
    named.insert(app.config.port);
    for (int64_t port : app.config.more_ports()) named.insert(port);
  }
  return named;
}

}  // namespace

AppPlan plan_apps(std::span<const AppInForce> running, std::span<const WantedApp> wanted) {
  std::set<int64_t> named = named_ports(wanted);
  AppPlan plan;
  std::vector<bool> goes_on(running.size());
  for (const WantedApp& app : wanted) {
    PlannedApp& planned = plan.apps.emplace_back();
    planned.port = static_cast<uint16_t>(app.config.port);
    planned.before = find_app(running, app.config.name);
    if (!planned.before.has_value()) continue;
    const AppInForce& before = running[*planned.before];
    goes_on[*planned.before] = true;
    bool was_given = before.as.config.port == 0 && before.as.config.listen_addr == app.config.listen_addr;
    if (app.config.port == 0 && was_given && !named.contains(before.port)) planned.port = before.port;
    bool same = app.config == before.as.config && app.module_digest == before.as.module_digest && planned.port == before.port;
    planned.step = same ? AppStep::kStays : AppStep::kReplaced;
  }
  for (size_t i = 0; i < running.size(); ++i)
    if (!goes_on[i]) plan.removed.push_back(i);
  return plan;
}

std::vector<size_t> group_by_addresses(std::span<const std::vector<std::string>> members) {
  std::vector<size_t> group(members.size());
  std::iota(group.begin(), group.end(), size_t{0});
  std::map<std::string, size_t> named_by;
  for (size_t i = 0; i < members.size(); ++i)
    for (const std::string& address : members[i]) {
      size_t known = group[named_by.emplace(address, i).first->second];
      std::ranges::replace(group, std::max(group[i], known), std::min(group[i], known));
    }
  std::map<size_t, size_t> numbers;
  for (size_t& number : group) number = numbers.emplace(number, numbers.size()).first->second;
  return group;
}

}  // namespace fiso::apps
