// A directory, or one file, whose changes are told.
//
// A directory is watched as a whole, since editors and Kubernetes replace files and links in it; a burst of changes is one. What
// is watched is whatever the path leads to: when the directory, or the link to it, is replaced, that is a change, and the new one
// is watched from then on. A file is watched through the directory where it lies, and has changed when the path leads to another
// file or to another content. Control thread.
#pragma once

#include <string>

#include "base/file_handle.h"
#include "base/result.h"

namespace fiso::server {

class PathWatch {
 public:
  // The error is the operator's to read.
  static Result<PathWatch> of_directory(const std::string& directory);
  // Where it is a link, changes of the file that it leads to are seen too.
  static Result<PathWatch> of_file(const std::string& file);

  // Readable when there may be a change.
  int descriptor() const { return inotify_.get(); }
  // Whether what is watched has changed since the last time, once it has been quiet for a moment.
  bool take_change();

  // The directory is gone: nobody tells when it comes back, so find() is to be called now and then.
  bool is_lost() const { return directory_watch_ < 0; }
  // True if it is back, which is a change.
  bool find() { return arm() && file_changed(); }

 private:
  PathWatch(const std::string& directory, std::string file);
  static Result<PathWatch> armed(PathWatch watch);
  // Watches what the path leads to now; false if there is no directory.
  bool arm();
  // Takes what inotify has to tell; true if some of it concerns the directory.
  bool read_events();
  // Takes note of how the watched file is now; true if that is new. Without a file: true.
  bool file_changed();

  FileHandle inotify_;
  std::string directory_, parent_, name_;  // the watched path, where it lies, and what it is called there
  std::string file_;                       // the one that counts in the directory, or empty: all do
  std::string file_state_;                 // which one it was, and its content's version
  int directory_watch_ = -1, parent_watch_ = -1, file_watch_ = -1;
};

}  // namespace fiso::server
