// A process that serves, from start to stop, whatever its roles are.
//
//   start()              configurations are read whole -> admin port -> roles start, in their order
//   run_until_stopped()  serves -> what has changed is read again … -> roles drain, the last one first
//
// Threading: control thread. The shards, the ticker, the blocking pool and the writers of standard output are the only other
// threads.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/secret.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "server/admin.h"
#include "server/control_events.h"
#include "server/engines.h"
#include "server/host.h"
#include "server/role.h"
#include "server/service_manager.h"

namespace fiso::server {

struct ProcessOptions {
  std::function<std::string()> admin_address;           // asked once configurations are read; empty: no admin port
  Secret admin_token = {};                              // of who may change something from other machines; empty: nobody may
  std::string wasmer_host = {};                         // the worker program; empty: it is looked for
  bool is_link = false;                                 // the log tells of a stop in the words of fiso-link
  std::string name = {};                                // the program's
  std::optional<observe::LogLevel> says_starting = {};  // of the first line, `starting NAME`; nothing: there is none
  bool tells_started = false;                           // the log says when all roles have
  ServiceManager::Options service_manager = {};
};

// How a process has come to its end.
enum class Ended {
  kCleanly,
  // Nothing was cut, but a file system does not answer a thread: whoever waited for that would wait for ever.
  kWithoutAFile,
  kCut,  // guests and calls may still be under way
};

class Process {
 public:
  // A role may use those before it: it starts after them and drains before them. The settings are those of the first that has
  // any. Borrows the roles.
  Process(ProcessOptions options, std::vector<Role*> roles, observe::Log log, ProgramEngines engines);
  ~Process();

  // The error is the operator's to read; kCancelled if a stop was asked for meanwhile, which run_until_stopped() then carries
  // out.
  Result<> start(ControlEvents& events);
  // Serves until told to stop, then drains. Unless it ends cleanly the caller ends the process without destroying this.
  Ended run_until_stopped(ControlEvents& events);

  // For tests.
  uint16_t admin_port() const { return admin_->port(); }
  observe::Metrics& metrics() { return metrics_; }

 private:
  Result<> start_admin(ControlEvents& events, const std::string& address);
  Task<> refresh_metrics();
  std::string reload_verdicts() const;
  void reload(const ControlEvents& events);
  Duration look();
  Ended drain(ControlEvents& events);
  Drain wait_drained(ControlEvents& events, Role& role, MonotonicTime deadline);
  bool release();

  const ProcessOptions options_;
  const std::vector<Role*> roles_;
  const observe::Log log_;
  const ProgramEngines engines_;
  ServiceManager service_manager_;
  observe::Metrics metrics_;
  std::unique_ptr<Host> host_;
  std::unique_ptr<AdminService> admin_service_;
  std::unique_ptr<net::HttpServer> admin_;
};

}  // namespace fiso::server
