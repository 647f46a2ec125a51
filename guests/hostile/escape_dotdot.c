// Tries to leave its directory by .. and by absolute paths, with every call that takes a path.
#include "attempts.h"

static __wasi_errno_t try_open_directory(const char* path) {
  __wasi_fd_t opened;
  __wasi_errno_t error = try_open_at(kPreopen, path, __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_PATH_OPEN, &opened);
  if (error == 0) discard(__wasi_fd_close(opened));
  return error;
}

int main(void) {
  Attempts attempts = begin_attempts();
  note(&attempts, "make_sub", __wasi_path_create_directory(kPreopen, "sub"));
  forbid(&attempts, "read", try_read("../secret.txt"));
  forbid(&attempts, "read_through_sub", try_read("sub/../../secret.txt"));
  forbid(&attempts, "read_dots_and_slashes", try_read(".//./sub//../..//secret.txt"));
  forbid(&attempts, "read_missing_sub", try_read("missing/../../secret.txt"));
  forbid(&attempts, "read_absolute", try_read("/etc/passwd"));
  forbid(&attempts, "read_absolute_twice", try_read("//etc/passwd"));
  forbid(&attempts, "read_nothing", try_read(""));
  forbid(&attempts, "open_parent", try_open_directory(".."));
  forbid(&attempts, "open_parent_slash", try_open_directory("sub/../../"));
  forbid(&attempts, "open_root", try_open_directory("/"));
  forbid(&attempts, "create", try_create("../planted.txt"));
  forbid(&attempts, "stat", try_stat("../secret.txt"));
  forbid(&attempts, "make_directory", __wasi_path_create_directory(kPreopen, "../planted"));
  forbid(&attempts, "remove_directory", __wasi_path_remove_directory(kPreopen, "../sibling"));
  forbid(&attempts, "unlink", __wasi_path_unlink_file(kPreopen, "../secret.txt"));
  forbid(&attempts, "symlink", __wasi_path_symlink("secret.txt", kPreopen, "../planted_link"));
  forbid(&attempts, "set_times", __wasi_path_filestat_set_times(kPreopen, 0, "../secret.txt", 1, 1, __WASI_FSTFLAGS_MTIM));
  note(&attempts, "remove_sub", __wasi_path_remove_directory(kPreopen, "sub"));
  send_attempts(&attempts);
  return 0;
}
