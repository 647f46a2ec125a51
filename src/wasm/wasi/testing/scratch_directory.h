// A directory of the host for one test, removed with everything in it.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "base/check.h"

namespace fiso::wasm::wasi::testing {

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fiso-wasi-XXXXXX").string();
    FISO_CHECK(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  const std::filesystem::path& root() const { return root_; }
  std::string path(const std::string& name) const { return (root_ / name).string(); }

  void write(const std::string& name, const std::string& text) const { std::ofstream(root_ / name) << text; }
  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(root_ / name).rdbuf();
    return text.str();
  }
  bool exists(const std::string& name) const { return std::filesystem::exists(std::filesystem::symlink_status(root_ / name)); }
  std::string make_directory(const std::string& name) const {
    std::filesystem::create_directories(root_ / name);
    return path(name);
  }
  void make_fifo(const std::string& name) const { FISO_CHECK(mkfifo(path(name).c_str(), 0600) == 0); }
  void symlink(const std::string& target, const std::string& name) const {
    std::filesystem::create_symlink(target, root_ / name);
  }

 private:
  std::filesystem::path root_;
};

}  // namespace fiso::wasm::wasi::testing
