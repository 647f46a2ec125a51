// The link process: everything it is made of, from start to stop.
//
// Threading: control thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "link/credentials.h"
#include "link/link_stack.h"
#include "observe/health.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "server/admin.h"
#include "server/control_events.h"
#include "server/link_file.h"
#include "server/process_parts.h"

namespace fiso::server {

class LinkServer {
 public:
  LinkServer(LinkFile file, observe::Log log);
  ~LinkServer();

  // Opens the ports. The error is the operator's to read.
  Result<> start();
  // Serves until told to stop, then lets what is under way finish. False if something was cut.
  bool run_until_stopped(ControlEvents& events);
  // For tests.
  uint16_t port() const { return server_->port(); }
  uint16_t admin_port() const { return admin_->port(); }

 private:
  class Service;
  Result<> start_admin();
  Result<> make_targets();
  Result<> start_credentials();
  bool stop(ControlEvents& events);
  void release();

  const LinkFile file_;
  observe::Log log_;
  observe::Metrics metrics_;
  observe::Health health_{"listeners"};
  ReloadVerdicts verdicts_;
  std::unique_ptr<ProcessParts> process_;
  std::unique_ptr<AdminService> admin_service_;
  std::unique_ptr<net::HttpServer> admin_;
  std::vector<std::unique_ptr<link::Target>> targets_;
  std::vector<std::unique_ptr<Service>> services_;  // by shard
  std::unique_ptr<link::Credentials> credentials_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace fiso::server
