// What the standard streams look like: for each of 0, 1, 2 {"type": n, "seek": errno, "tty": bool}, as WASI counts types
// and errnos, and "first_preopen": the descriptor of the first preopened directory, or -1.
#include <wasi/api.h>

#include "text.h"

static void add_stream(Text* text, const char* name, __wasi_fd_t fd) {
  __wasi_fdstat_t status = {0};
  __wasi_filesize_t place;
  __wasi_errno_t error = __wasi_fd_fdstat_get(fd, &status);
  text_add_name(text, name);
  text_add(text, "{");
  text_add_number_member(text, "type", error ? -error : status.fs_filetype);
  text_add_number_member(text, "seek", __wasi_fd_seek(fd, 0, __WASI_WHENCE_CUR, &place));
  text_add_name(text, "tty");
  text_add(text, isatty((int)fd) ? "true" : "false");
  text_add(text, "}");
}

int main(void) {
  read_envelope();
  Text text = {0};
  text_add(&text, "{");
  add_stream(&text, "stdin", 0);
  add_stream(&text, "stdout", 1);
  add_stream(&text, "stderr", 2);
  int preopen = -1;
  for (__wasi_fd_t fd = 0; fd < 8 && preopen < 0; ++fd) {
    __wasi_prestat_t found;
    if (__wasi_fd_prestat_get(fd, &found) == 0) preopen = (int)fd;
  }
  text_add_number_member(&text, "first_preopen", preopen);
  text_add(&text, "}");
  send_payload(&text);
  return 0;
}
