#include "apps/app_directory.h"

#include "apps/app.h"

namespace fiso::apps {

AppCallee* AppDirectory::find(const async::Shard& shard, std::string_view name) const {
  const Callees& callees = callees_[shard.index()];
  auto found = callees.find(name);
  return found == callees.end() ? nullptr : found->second;
}

void AppDirectory::lead(const std::string& name, const App& app) {
  shards_.run_on_each([&](async::Shard& shard) { callees_[shard.index()][name] = app.callee(shard); });
}

void AppDirectory::forget(const std::string& name) {
  shards_.run_on_each([&](async::Shard& shard) { callees_[shard.index()].erase(name); });
}

}  // namespace fiso::apps
