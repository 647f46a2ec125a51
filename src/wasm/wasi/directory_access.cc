#include "wasm/wasi/directory_access.h"

namespace fiso::wasm::wasi {

OrErrno<const Descriptor*> find_directory(Guest& guest, Fd fd, Rights needed) {
  const Descriptor* directory = guest.fds().find(fd);
  if (directory == nullptr) return tl::unexpected(Errno::kBadf);
  bool is_input = directory->kind == Descriptor::Kind::kInputDirectory;
  if (directory->kind != Descriptor::Kind::kDirectory && !is_input) return tl::unexpected(Errno::kNotdir);
  if (directory->may(needed)) return directory;
  bool read_only = is_input || directory->host->access() == Access::kReadOnly;
  bool never_had = (needed & ~directory_rights(Access::kReadOnly)) != 0;
  return tl::unexpected(read_only && never_had ? Errno::kRofs : Errno::kNotcapable);
}

OrErrno<HostFileRef> find_host_directory(Guest& guest, Fd fd, Rights needed) {
  auto directory = find_directory(guest, fd, needed);
  if (!directory) return tl::unexpected(directory.error());
  if (!(*directory)->is_host()) return tl::unexpected(Errno::kRofs);
  return (*directory)->host;
}

InputPath resolve_input_path(std::string_view path) {
  if (path.starts_with('/')) return InputPath::kOutside;
  InputPath at = InputPath::kDirectory;
  while (!path.empty()) {
    size_t slash = path.find('/');
    std::string_view part = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (part == "..") return InputPath::kOutside;
    if (part.empty() && at == InputPath::kDirectory) continue;
    if (at == InputPath::kFile) return InputPath::kNothing;
    if (part == ".") continue;
    if (part != kInputFileName || slash != std::string_view::npos) return InputPath::kNothing;
    at = InputPath::kFile;
  }
  return at;
}

Errno input_path_error(InputPath path) { return path == InputPath::kOutside ? Errno::kPerm : Errno::kNoent; }

}  // namespace fiso::wasm::wasi
