// A worker process: fiso-wasmer-host with one guest's setup, from its start to its end.
//
// start() is called on a thread that lasts as long as the process is wanted: the worker dies with the thread that made it
// (PR_SET_PDEATHSIG). The object may be destroyed on any thread; that kills the process, and with it all its children.
#pragma once

#include <sys/types.h>

#include <memory>
#include <set>
#include <string>

#include "base/file_handle.h"
#include "base/guarded.h"
#include "base/result.h"
#include "observe/log.h"
#include "wasm/process_meter.h"
#include "wasm/worker/worker_setup.h"

namespace fiso::wasm::worker {

// What all workers of the process have in common. Thread-safe.
struct WorkerHost {
  const std::string program;  // path of fiso-wasmer-host
  const observe::Log log;
  const Bytes stack;                          // of a guest
  const std::shared_ptr<ProcessMeter> meter;  // may be null
  // Protections that the kernel lacks and that the log has been told of.
  Guarded<std::set<std::string, std::less<>>> known_lacks{};
};

// The descriptors that become the process's stdin and stdout, and its stderr; /dev/null where there is none.
struct WorkerStreams {
  int stdio = -1;
  int errors = -1;
};

class WorkerProcess {
 public:
  // Blocks until the worker has loaded the artifact. The error is the operator's to read.
  static Result<std::unique_ptr<WorkerProcess>> start(WorkerHost& host, const WorkerSetup& setup, const FileHandle& artifact,
                                                      WorkerStreams streams = {});
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;

  int control() const { return control_.get(); }
  pid_t pid() const { return pid_; }

 private:
  WorkerProcess(pid_t pid, FileHandle control, std::shared_ptr<ProcessMeter> meter)
      : pid_(pid), control_(std::move(control)), meter_(std::move(meter)) {}
  Result<> await_ready(WorkerHost& host);

  pid_t pid_;
  FileHandle control_;
  std::shared_ptr<ProcessMeter> meter_;
};

}  // namespace fiso::wasm::worker
