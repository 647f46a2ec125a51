// The way out: calls of applications to targets.
//
//   a changed file: targets that say the same stay, the others are made anew, then all take effect, or none
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "core/registry.h"
#include "kafka/producers.h"
#include "link/credentials.h"
#include "link/file_watch.h"
#include "link/kafka_tokens.h"
#include "link/link_stack.h"
#include "server/app_role.h"
#include "server/link_file.h"
#include "server/reloads.h"
#include "server/role.h"

namespace fiso::server {

struct LinkRoleOptions {
  std::function<Result<LinkFile>()> read;  // again for each reload
  std::string file;                        // that it reads
  // Of a program that runs apps: they start before, and `protocol: app` leads to them. Borrowed; null: there are none.
  const AppRole* apps = nullptr;
  bool speaks_of_process = true;  // the file says what the process has, too
};

class LinkRole final : public Role {
 public:
  explicit LinkRole(LinkRoleOptions options);
  ~LinkRole() override;

  std::string_view name() const override { return "link"; }
  void watch(ControlEvents& events) override { reloads_.watch(events); }
  Result<> read() override;
  const Settings* settings() const override { return options_.speaks_of_process ? &settings_ : nullptr; }
  Result<> join(Host& host) override;
  Result<> start() override;
  void reload(const ControlEvents& events) override;
  const ReloadVerdicts& verdicts() const override { return reloads_.verdicts(); }
  Duration look() override;
  void begin_drain(MonotonicTime deadline) override;
  Drain drain_state() override;
  void release() override;

  // That is in use. After read(). Control thread.
  const LinkFile& file() const { return file_; }
  // A change waits for one of the apps.
  bool reload_is_due() const { return reload_due_; }
  // Where the file wants the admin port. After read().
  const std::string& admin_address() const { return file_.metrics_addr; }

 private:
  class Service;
  void start_services();
  Result<link::Targets> make_targets(const LinkFile& file);
  void lead_names();
  class Ahead;
  Result<> wait_warm(const link::Targets& targets) const;
  void reload();
  Result<std::shared_ptr<link::Target>> make_target(const link::TargetConfig& config, const LinkFile& file);
  void use(link::Targets targets);
  Result<> read_and_use();
  void renew_tls(const link::Target& target);
  Result<net::TlsContext> next_listen_tls(const LinkFile& read) const;
  void watch_listen_tls();
  void renew_listen_tls();

  const LinkRoleOptions options_;
  Reloads reloads_;
  LinkFile file_;  // in use
  Settings settings_;
  bool reload_due_ = false;    // once the apps have changed
  std::set<std::string> led_;  // what of host_->local is ours
  Host* host_ = nullptr;
  core::Registry registry_;
  std::unique_ptr<kafka::Producers> producers_;
  link::Targets targets_;
  std::map<const link::Target*, std::vector<link::FileWatch>> tls_files_;  // of `targets_`
  std::vector<link::FileWatch> listen_tls_files_;
  Guarded<link::Targets> shown_;                    // the same, for shards that are asked for metrics
  std::vector<std::unique_ptr<Service>> services_;  // by shard
  std::unique_ptr<link::Credentials> credentials_;
  std::unique_ptr<link::KafkaTokens> tokens_;
  std::unique_ptr<net::HttpServer> server_;
  std::shared_future<net::HttpServer::Drained> drained_;
};

}  // namespace fiso::server
