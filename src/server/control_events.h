// What the control thread waits for: signals, a changed configuration, a request to reload.
//
// Signals are blocked for the whole process and read here, so no handler ever runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_handle.h"
#include "base/result.h"
#include "base/stop_request.h"
#include "server/path_watch.h"

namespace fiso::server {

enum class ControlEvent { kNone, kStop, kReload };

class ControlEvents {
 public:
  // Blocks SIGTERM, SIGINT and SIGHUP in the calling thread and in those it starts afterwards, and ignores SIGPIPE. Call
  // before any other thread is started.
  static Result<ControlEvents> make();

  // Names a watch; nothing: one that failed.
  using WatchId = std::optional<size_t>;
  // What changes in the directory, or in the file, is a reload from now on. An error is the operator's to read.
  Result<WatchId> watch(const std::string& directory);
  Result<WatchId> watch_file(const std::string& file);

  // Waits until something happens, at most `longest`; kNone if nothing did.
  ControlEvent wait(Duration longest);
  // Whether the reload that wait() has told of is one for who watches this: it has changed, or everybody is asked.
  bool concerns(WatchId watch) const { return everybody_ || (watch.has_value() && watched_[*watch].changed); }

  // Made from when a signal asks for a stop until wait() has told of it. Borrows this.
  StopRequest stop_request() const { return StopRequest(stops_.get()); }

  // As if a reload had been asked for. Thread-safe.
  void request_reload();

 private:
  struct Watched {
    PathWatch watch;
    bool changed = false;
  };

  ControlEvents(FileHandle stops, FileHandle reloads, FileHandle requests)
      : stops_(std::move(stops)), reloads_(std::move(reloads)), requests_(std::move(requests)) {}
  Result<WatchId> add(Result<PathWatch> watch);

  FileHandle stops_, reloads_;  // signals
  FileHandle requests_;
  std::vector<Watched> watched_;
  bool everybody_ = false;
};

}  // namespace fiso::server
