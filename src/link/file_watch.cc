#include "link/file_watch.h"

namespace fiso::link {

bool FileWatch::has_changed() {
  struct stat now{};
  if (::stat(path_.c_str(), &now) != 0) now = {};
  bool same = now.st_ino == last_.st_ino && now.st_dev == last_.st_dev && now.st_size == last_.st_size &&
              now.st_mtim.tv_sec == last_.st_mtim.tv_sec && now.st_mtim.tv_nsec == last_.st_mtim.tv_nsec;
  last_ = now;
  return !same;
}

}  // namespace fiso::link
