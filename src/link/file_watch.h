// Tells when a file is another one than at the last look: a secret, a certificate.
//
// Blocks. Not thread-safe.
#pragma once

#include <sys/stat.h>

#include <string>
#include <utility>

namespace fiso::link {

class FileWatch {
 public:
  explicit FileWatch(std::string path) : path_(std::move(path)) { (void)has_changed(); }
  // Gone is another one too.
  bool has_changed();

 private:
  std::string path_;
  struct stat last_{};
};

}  // namespace fiso::link
