// Opens the same file (`flood`, in its first preopened directory, which it creates) until it is refused, or a million
// times. Answers {"opened": n, "errno": n}.
#include "attempts.h"

enum { kMost = 1000000 };

int main(void) {
  read_envelope();
  __wasi_errno_t error = 0;
  long opened = 0;
  for (; opened < kMost; ++opened) {
    __wasi_fd_t fd;
    error = try_open_at(kPreopen, "flood", __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_WRITE, &fd);
    if (error != 0) break;
  }
  Text text = {0};
  text_add(&text, "{");
  text_add_number_member(&text, "opened", opened);
  text_add_number_member(&text, "errno", error);
  text_add(&text, "}");
  send_payload(&text);
  return 0;
}
