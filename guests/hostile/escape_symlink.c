// Tries to leave its directory through symbolic links: those that it makes, and `host_link`, which whoever set up the
// directory may have put there. Making a link may succeed; following it out of the directory may not.
#include "attempts.h"

static __wasi_errno_t make_link(const char* target, const char* name) { return __wasi_path_symlink(target, kPreopen, name); }

static void make_links(Attempts* attempts) {
  note(attempts, "link_file", make_link("../secret.txt", "to_file"));
  note(attempts, "link_absolute", make_link("/etc/passwd", "to_absolute"));
  note(attempts, "link_parent", make_link("..", "to_parent"));
  note(attempts, "link_link", make_link("to_parent", "to_link"));
  note(attempts, "link_root", make_link("/proc/self/root", "to_root"));
  note(attempts, "link_itself", make_link("to_itself", "to_itself"));
}

// Creates the file that a dangling link names. Where the host refuses the link the name is free, and that proves nothing.
static void create_through_missing(Attempts* attempts) {
  __wasi_errno_t made = make_link("../planted.txt", "to_missing");
  note(attempts, "link_missing", made);
  if (made == 0 || made == __WASI_ERRNO_EXIST) forbid(attempts, "create_missing", try_create("to_missing"));
}

static void remove_links(void) {
  static const char* const kLinks[] = {"to_file", "to_absolute", "to_parent", "to_link", "to_root", "to_missing", "to_itself"};
  for (size_t i = 0; i < sizeof kLinks / sizeof kLinks[0]; ++i) discard(__wasi_path_unlink_file(kPreopen, kLinks[i]));
}

int main(void) {
  Attempts attempts = begin_attempts();
  make_links(&attempts);
  forbid(&attempts, "read_file", try_read("to_file"));
  forbid(&attempts, "read_absolute", try_read("to_absolute"));
  forbid(&attempts, "read_through_parent", try_read("to_parent/secret.txt"));
  forbid(&attempts, "read_through_link", try_read("to_link/secret.txt"));
  forbid(&attempts, "read_through_root", try_read("to_root/etc/passwd"));
  forbid(&attempts, "read_itself", try_read("to_itself"));
  forbid(&attempts, "read_host_link", try_read("host_link"));
  forbid(&attempts, "stat_file", try_stat("to_file"));
  forbid(&attempts, "stat_through_parent", try_stat("to_parent/secret.txt"));
  create_through_missing(&attempts);
  forbid(&attempts, "create_through_parent", try_create("to_parent/planted.txt"));
  forbid(&attempts, "make_directory", __wasi_path_create_directory(kPreopen, "to_parent/planted"));
  forbid(&attempts, "rename", __wasi_path_rename(kPreopen, "to_parent/secret.txt", kPreopen, "stolen.txt"));
  forbid(&attempts, "unlink", __wasi_path_unlink_file(kPreopen, "to_parent/secret.txt"));
  remove_links();
  send_attempts(&attempts);
  return 0;
}
