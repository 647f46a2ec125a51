// Tries to leave its directory by renaming: files across its border, and a directory that is open while it moves up.
#include "attempts.h"

static __wasi_errno_t try_rename(const char* from, const char* to) { return __wasi_path_rename(kPreopen, from, kPreopen, to); }

static __wasi_errno_t read_at(__wasi_fd_t directory, const char* path) {
  __wasi_fd_t opened;
  __wasi_errno_t error = try_open_at(directory, path, 0, __WASI_RIGHTS_FD_READ, &opened);
  if (error == 0) discard(__wasi_fd_close(opened));
  return error;
}

// Opens a/b/c, moves it to the top, and climbs as far as had been right before: three levels are now two too many.
static void climb_from_moved(Attempts* attempts) {
  const __wasi_rights_t rights = __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_PATH_OPEN;
  __wasi_fd_t moved = 0;
  note(attempts, "make_a", __wasi_path_create_directory(kPreopen, "a"));
  note(attempts, "make_b", __wasi_path_create_directory(kPreopen, "a/b"));
  note(attempts, "make_c", __wasi_path_create_directory(kPreopen, "a/b/c"));
  __wasi_errno_t opened = __wasi_path_open(kPreopen, 0, "a/b/c", __WASI_OFLAGS_DIRECTORY, rights, rights, 0, &moved);
  note(attempts, "open_c", opened);
  note(attempts, "move_c", try_rename("a/b/c", "c"));
  if (opened == 0) {
    forbid(attempts, "climb_one", read_at(moved, "../secret.txt"));
    forbid(attempts, "climb_two", read_at(moved, "../../secret.txt"));
    forbid(attempts, "climb_three", read_at(moved, "../../../secret.txt"));
  }
  discard(__wasi_path_remove_directory(kPreopen, "a/b"));
  discard(__wasi_path_remove_directory(kPreopen, "a"));
  discard(__wasi_path_remove_directory(kPreopen, "c"));
}

int main(void) {
  Attempts attempts = begin_attempts();
  note(&attempts, "create_own", try_create("own.txt"));
  note(&attempts, "symlink_parent", __wasi_path_symlink("..", kPreopen, "to_parent"));
  forbid(&attempts, "rename_in", try_rename("../secret.txt", "stolen.txt"));
  forbid(&attempts, "rename_in_absolute", try_rename("/etc/hostname", "stolen.txt"));
  forbid(&attempts, "rename_in_through_parent", try_rename("to_parent/secret.txt", "stolen.txt"));
  forbid(&attempts, "rename_out", try_rename("own.txt", "../planted.txt"));
  forbid(&attempts, "rename_out_over", try_rename("own.txt", "../secret.txt"));
  forbid(&attempts, "rename_out_through_parent", try_rename("own.txt", "to_parent/planted.txt"));
  forbid(&attempts, "rename_itself", try_rename(".", "../planted"));
  climb_from_moved(&attempts);
  discard(__wasi_path_unlink_file(kPreopen, "to_parent"));
  discard(__wasi_path_unlink_file(kPreopen, "own.txt"));
  send_attempts(&attempts);
  return 0;
}
