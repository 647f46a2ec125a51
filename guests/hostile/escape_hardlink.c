// Tries to bring a file from outside into its directory, or one of its own out, by hard links.
#include "attempts.h"

static __wasi_errno_t try_link(__wasi_lookupflags_t follow, const char* from, const char* to) {
  return __wasi_path_link(kPreopen, follow, from, kPreopen, to);
}

int main(void) {
  Attempts attempts = begin_attempts();
  note(&attempts, "create_own", try_create("own.txt"));
  note(&attempts, "symlink", __wasi_path_symlink("../secret.txt", kPreopen, "to_file"));
  note(&attempts, "symlink_parent", __wasi_path_symlink("..", kPreopen, "to_parent"));
  forbid(&attempts, "link_in", try_link(0, "../secret.txt", "stolen_1"));
  forbid(&attempts, "link_in_absolute", try_link(0, "/etc/passwd", "stolen_2"));
  forbid(&attempts, "link_in_follow", try_link(__WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "to_file", "stolen_3"));
  forbid(&attempts, "link_in_through_parent", try_link(0, "to_parent/secret.txt", "stolen_4"));
  forbid(&attempts, "link_out", try_link(0, "own.txt", "../planted_1"));
  forbid(&attempts, "link_out_through_parent", try_link(0, "own.txt", "to_parent/planted_2"));
  // A hard link to the symbolic link itself is harmless, as long as it still leads nowhere.
  note(&attempts, "link_symlink", try_link(0, "to_file", "to_file_too"));
  forbid(&attempts, "read_symlink_too", try_read("to_file_too"));
  forbid(&attempts, "read_stolen", try_read("stolen_3"));
  discard(__wasi_path_unlink_file(kPreopen, "to_file_too"));
  discard(__wasi_path_unlink_file(kPreopen, "to_file"));
  discard(__wasi_path_unlink_file(kPreopen, "to_parent"));
  discard(__wasi_path_unlink_file(kPreopen, "own.txt"));
  send_attempts(&attempts);
  return 0;
}
