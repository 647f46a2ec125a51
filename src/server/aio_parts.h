// The parts of fiso-wasmer-aio and what each has to know of the others: apps, then the link that leads to them, then the flows
// that may ask both.
//
// Control thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/registry.h"
#include "server/aio_file.h"
#include "server/app_role.h"
#include "server/engines.h"
#include "server/flow_role.h"
#include "server/link_role.h"

namespace fiso::server {

class AioParts {
 public:
  // `file` is what was read of `path`.
  AioParts(std::string path, AioOverrides overrides, AioFile file, const ProgramEngines& engines);
  AioParts(const AioParts&) = delete;

  // All that is wrong with any file, the one that was read aside. Opens nothing.
  Result<> check() const;
  // Compiles what a start would, after check(), and keeps nothing.
  Result<> compile(const std::string& wasmer_host) const;
  // In the order in which they start.
  std::vector<Role*> roles();

 private:
  FlowRoleOptions flows_of(const LinkFile* link, bool link_is_known) const;
  AppRoleOptions app_options();
  LinkRoleOptions link_options();
  FlowRoleOptions flow_options();
  Result<AppsFile> read_apps();
  Result<LinkFile> read_link() const;
  FlowSurroundings around_flows(const std::vector<apps::AppConfig>& apps, const LinkFile* link) const;
  bool has_link() const { return !file_.link.config_path.empty(); }

  const std::string path_;
  const AioOverrides overrides_;
  const AioFile file_;  // what is in use of it, but for apps
  const ProgramEngines& engines_;
  std::vector<std::string> restart_needed_;  // keys of the last reading
  core::Registry registry_;
  std::optional<AppRole> apps_;
  std::optional<LinkRole> link_;
  std::optional<FlowRole> flows_;
};

}  // namespace fiso::server
