// Which symbolic links a guest may make, and move: none that would lead whoever follows it out of the preopen. Guests cannot
// follow such a link anyway (sandbox_path.h); this keeps them from leaving one for a program of the host.
//
// A target may begin with as many `..` as there are directories between the link and its preopen, and names follow. A `..` behind
// a name is refused: what it means depends on what the name leads to, and that may be replaced. How deep a directory is, the
// kernel is asked, so it does not matter by which links it was reached. Two instances that move things at the same moment may
// still plant a link: a program of the host that works in a guest's directory should not follow links blindly. These calls block.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "wasm/wasi/host_file.h"
#include "wasm/wasi/sandbox_path.h"

namespace fiso::wasm::wasi {

// What is looked through at most before a directory moves up; more is not moved (kXdev), as if it were another file system.
inline constexpr size_t kMostEntriesToMove = 10'000;
inline constexpr size_t kDeepestToMove = 32;

// The number of `..` before the first name; nothing for a target that is absolute or has a `..` behind a name.
std::optional<size_t> link_climb(std::string_view target);

// Whether a link with this target may be made in `parent`, a directory reached from `base`.
bool may_make_link(const HostFile& base, int parent, std::string_view target);

// Whether what is called so, a link or a directory with links in it, may move (or get a second name) there: kSuccess; kPerm if a
// link would lead out from there; kXdev.
Errno may_move(const HostFile& from, const DirectoryEntry& source, const HostFile& to, const DirectoryEntry& target);

}  // namespace fiso::wasm::wasi
