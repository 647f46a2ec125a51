// Whatever the path: what it opens lies beneath the directory it started from, and a link that may be made stays inside.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdint>
#include <filesystem>

#include "base/check.h"
#include "wasm/wasi/directory_access.h"
#include "wasm/wasi/guest_links.h"
#include "wasm/wasi/testing/scratch_directory.h"

namespace {

namespace wasi = fiso::wasm::wasi;

// Directories, files, and links that lead inside, outside and in circles.
struct Tree {
  Tree() {
    scratch.make_directory("root/a/b/c");
    scratch.make_directory("outside");
    scratch.write("outside/secret", "secret");
    scratch.write("root/f", "f");
    scratch.symlink("a/b", "root/l");
    scratch.symlink("../../f", "root/a/b/up");
    scratch.symlink("../outside", "root/o");
    scratch.symlink("/", "root/s");
    scratch.symlink("/proc/self/root", "root/m");
    scratch.symlink("loop", "root/loop");
    scratch.symlink("../../..", "root/a/b/out");
    root = std::filesystem::canonical(scratch.root() / "root").string();
    directory = fiso::FileHandle(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    FISO_CHECK(bool(directory));
  }
  wasi::testing::ScratchDirectory scratch;
  std::string root;
  fiso::FileHandle directory;
};

void check_inside(const Tree& tree, const fiso::FileHandle& handle) {
  char text[PATH_MAX];
  ssize_t length = ::readlink(handle.proc_path().c_str(), text, sizeof(text));
  FISO_CHECK(length > 0);
  std::string_view where(text, static_cast<size_t>(length));
  FISO_CHECK(where == tree.root || where.starts_with(tree.root + "/"), where);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Tree tree;
  if (size > UINT32_MAX) return 0;
  wasi::GuestMemory memory(const_cast<uint8_t*>(data), size);
  auto path = wasi::path_argument(memory, 0, static_cast<uint32_t>(size));
  if (!path) return 0;

  for (int flags : {O_PATH, O_PATH | O_NOFOLLOW, O_PATH | O_DIRECTORY})
    if (auto opened = wasi::open_beneath(tree.directory.get(), *path, flags)) check_inside(tree, *opened);
  if (auto entry = wasi::open_parent(tree.directory.get(), *path)) {
    check_inside(tree, entry->parent);
    std::string_view name = entry->name;
    if (name.ends_with('/')) name.remove_suffix(1);
    FISO_CHECK(!name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos, name);
  }
  if (auto climb = wasi::link_climb(*path)) {
    std::filesystem::path there = "/root";
    for (size_t i = 0; i < *climb; ++i) there /= "deep";
    std::string meant = (there / *path).lexically_normal().string();
    FISO_CHECK(meant.starts_with("/root"), meant);
  }
  (void)wasi::resolve_input_path(*path);
  return 0;
}
