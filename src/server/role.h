// One of the things that a process does: take events in (flow_role.h), carry calls out (link_role.h), run apps (app_role.h).
//
// A process calls, in this order: watch() and read(), before it has any thread; join(); start(); then look() now and then and
// reload() when a file may have changed; begin_drain(); release(). Control thread.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "server/reload_verdict.h"
#include "server/settings.h"

namespace fiso::server {

class ControlEvents;
class Host;

// How far a stop has come.
enum class Drain { kUnderWay, kClean, kCut };

class Role {
 public:
  virtual ~Role() = default;
  // As logs and pages call it.
  virtual std::string_view name() const = 0;

  // Has changes of its configuration told, from before it is read.
  virtual void watch(ControlEvents& events) = 0;
  // Reads its configuration whole and keeps it for start(). The error is the operator's to read, and all that is wrong.
  virtual Result<> read() = 0;
  // What its configuration says of the process; null: nothing. After read().
  virtual const Settings* settings() const { return nullptr; }

  // Keeps the host, makes what it shows on the admin port, which is not open yet. Opens nothing.
  virtual Result<> join(Host& host) = 0;
  // Builds and opens what was read, and serves. kCancelled if a stop was asked for meanwhile.
  virtual Result<> start() = 0;

  // Reads its configuration again if the events say so. What is wrong with it is told, and what was in force stays.
  virtual void reload(const ControlEvents& events) = 0;
  // What became of that. Thread-safe.
  virtual const ReloadVerdicts& verdicts() const = 0;
  // Looks after what ends or becomes ready by itself; says how soon it wants to again.
  virtual Duration look() = 0;

  // Nothing new begins; what is under way has until the deadline.
  virtual void begin_drain(MonotonicTime deadline) = 0;
  virtual Drain drain_state() = 0;
  // Lets go of all that lives on shards. After a drain, or in place of one where start() failed.
  virtual void release() = 0;
};

}  // namespace fiso::server
