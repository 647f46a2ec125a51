// What the control thread waits for: signals, a changed configuration, a request to reload.
//
// Signals are blocked for the whole process and read here, so no handler ever runs. A directory is watched as a whole, since
// editors and Kubernetes replace files and links in it; a burst of changes is one event. What is watched is whatever the path
// leads to: when the directory, or the link to it, is replaced, that is a change, and the new one is watched from then on. A file
// is watched through the directory where it lies, and has changed when the path leads to another file or to another content.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/file_handle.h"
#include "base/result.h"
#include "base/stop_request.h"

namespace fiso::server {

enum class ControlEvent { kNone, kStop, kReload };

class ControlEvents {
 public:
  // Blocks SIGTERM, SIGINT and SIGHUP in the calling thread and in those it starts afterwards, and ignores SIGPIPE. Call
  // before any other thread is started.
  static Result<ControlEvents> make();

  // Once. An error is the operator's to read; without a watch SIGHUP still reloads.
  Result<> watch(const std::string& directory);
  // In place of it: of one file. Where it is a link, changes of the file that it leads to are seen too.
  Result<> watch_file(const std::string& file);

  // Waits until something happens, at most `longest`; kNone if nothing did.
  ControlEvent wait(Duration longest);

  // Made from when a signal asks for a stop until wait() has told of it. Borrows this.
  StopRequest stop_request() const { return StopRequest(stops_.get()); }

  // As if a reload had been asked for. Thread-safe.
  void request_reload();

 private:
  ControlEvents(FileHandle stops, FileHandle reloads, FileHandle requests)
      : stops_(std::move(stops)), reloads_(std::move(reloads)), requests_(std::move(requests)) {}
  // Watches what the path leads to now; false if there is no directory.
  bool arm();
  bool lost_watch() const { return watch_ && directory_watch_ < 0; }
  // Takes what the watches have to tell; true if some of it concerns the directory.
  bool take_changes();
  bool settle();
  // Takes note of how the watched file is now; true if that is new. Without a file: true.
  bool file_changed();

  FileHandle stops_, reloads_;  // signals
  FileHandle requests_;
  FileHandle watch_;
  std::string directory_, parent_, name_;  // the watched path, where it lies, and what it is called there
  std::string file_;                       // the one that counts in the directory, or empty: all do
  std::string file_state_;                 // which one it was, and its content's version
  int directory_watch_ = -1, parent_watch_ = -1, file_watch_ = -1;
};

}  // namespace fiso::server
