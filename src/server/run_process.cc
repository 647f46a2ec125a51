#include "server/run_process.h"

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "observe/stdout_log.h"

namespace fiso::server {
namespace {

// Connections are descriptors; the soft limit of 1,024 that most systems start with is for programs that use select().
void raise_descriptor_limit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int run_process(ProcessOptions options, const std::vector<Role*>& roles, const ProgramEngines& engines, const LogOptions& log,
                const Announcements& announce) {
  auto fail = [&announce](const Error& error) {
    std::fprintf(stderr, "%s%s\n", announce.error_prefix.c_str(), error.describe().c_str());
    return 1;
  };
  raise_descriptor_limit();
  if (const char* token = std::getenv("FISO_ADMIN_TOKEN")) options.admin_token = Secret(token);
  options.service_manager = ServiceManager::of_environment();
  auto events = ControlEvents::make();
  if (!events.has_value()) return fail(events.error());
  observe::StdoutLog output({.fd = log.descriptor});
  Process process(std::move(options), roles, observe::Log(output, observe::parse_log_level(log.level), log.component), engines);
  auto started = process.start(*events);
  bool stopped_early = !started.has_value() && started.error().code() == ErrorCode::kCancelled;
  if (!started.has_value() && !stopped_early) return fail(started.error());
  if (!stopped_early) announce.started();
  Ended ended = process.run_until_stopped(*events);
  announce.stopped();
  std::fflush(stdout);
  if (ended == Ended::kCleanly) return 0;
  // What was cut would end in its own time, up to the timeout of a guest, a sink or a target. Nobody waits for it any more.
  output.finish();
  std::_Exit(ended == Ended::kCut ? 1 : 0);
}

}  // namespace fiso::server
