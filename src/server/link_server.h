// The link process: everything it is made of, from start to stop.
//
//   start()  the file is read whole -> admin port -> targets, credentials -> port
//   run_until_stopped()  serves -> a changed file: targets that say the same stay, the others are made anew, then all take
//                        effect, or none -> drain
//
// Threading: control thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "components/process_network.h"
#include "kafka/producers.h"
#include "link/credentials.h"
#include "link/file_watch.h"
#include "link/kafka_tokens.h"
#include "link/link_stack.h"
#include "observe/health.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "server/admin.h"
#include "server/control_events.h"
#include "server/flow_server.h"
#include "server/link_file.h"
#include "server/process_parts.h"
#include "server/reloads.h"

namespace fiso::server {

struct LinkServerOptions {
  std::function<Result<LinkFile>()> read;  // again for each reload
  std::string file;                        // that it reads
};

class LinkServer {
 public:
  LinkServer(LinkServerOptions options, observe::Log log, RuntimesFactory make_runtimes);
  ~LinkServer();

  // Reads the file, opens the ports. The error is the operator's to read.
  Result<> start(ControlEvents& events);
  // Serves until told to stop, then lets what is under way finish. False if something was cut.
  bool run_until_stopped(ControlEvents& events);
  // For tests.
  uint16_t port() const { return server_->port(); }
  uint16_t admin_port() const { return admin_->port(); }

 private:
  class Service;
  Result<> start_admin(ControlEvents& events);
  void start_services();
  Result<link::Targets> make_targets(const LinkFile& file);
  Result<std::shared_ptr<link::Target>> make_target(const link::TargetConfig& config, const LinkFile& file);
  Result<> need_runtimes();
  void use(link::Targets targets);
  void reload();
  Result<> read_and_use();
  void look_after();
  void renew_tls(const link::Target& target);
  bool stop(ControlEvents& events);
  bool release();

  const LinkServerOptions options_;
  LinkFile file_;  // in use
  observe::Log log_;
  RuntimesFactory make_runtimes_;
  StopRequest stop_;
  ProcessNetwork network_;
  observe::Metrics metrics_;
  observe::Health health_{"listeners"};
  ReloadVerdicts verdicts_;
  Reloads reloads_{verdicts_, metrics_, log_};
  std::unique_ptr<ProcessParts> process_;
  std::unique_ptr<wasm::Runtimes> runtimes_;  // once a target has interceptors
  core::Resources resources_;
  std::unique_ptr<AdminService> admin_service_;
  std::unique_ptr<net::HttpServer> admin_;
  core::Registry registry_;
  kafka::Producers producers_;
  link::Targets targets_;
  std::map<const link::Target*, std::vector<link::FileWatch>> tls_files_;  // of `targets_`
  Guarded<link::Targets> shown_;                                           // the same, for shards that are asked for metrics
  std::vector<std::unique_ptr<Service>> services_;                         // by shard
  std::unique_ptr<link::Credentials> credentials_;
  std::unique_ptr<link::KafkaTokens> tokens_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace fiso::server
