// Which app a name leads to, for who asks it from inside the process. An app that replaces another takes its name over, as it
// takes over its ports.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "apps/app_call.h"
#include "async/shard.h"

namespace fiso::apps {

class App;

class AppDirectory {
 public:
  explicit AppDirectory(async::ShardSet& shards) : shards_(shards), callees_(shards.count()) {}
  AppDirectory(const AppDirectory&) = delete;

  // On the shard. Null if there is no app of that name, or one that takes no messages. What is asked of it at once is answered,
  // even if the name leads elsewhere meanwhile.
  AppCallee* find(const async::Shard& shard, std::string_view name) const;

  // Control thread. Whoever was asked before ends in its own time.
  void lead(const std::string& name, const App& app);
  void forget(const std::string& name);

 private:
  using Callees = std::map<std::string, AppCallee*, std::less<>>;

  async::ShardSet& shards_;
  std::vector<Callees> callees_;  // by shard
};

}  // namespace fiso::apps
