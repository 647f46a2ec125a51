// What an escaping guest tried, and the errno each attempt got; 0 is success.
//
// The answer's payload is {"attempt name": errno, …, "escaped": n}, n counting those that succeeded though they had to be
// refused. The preopened directory is descriptor 3; `secret.txt` lies beside it on the host, out of the guest's reach.
#pragma once

#include <string.h>
#include <wasi/api.h>

#include "text.h"

enum { kPreopen = 3 };

typedef struct {
  Text text;
  int escaped;
} Attempts;

static inline Attempts begin_attempts(void) {
  read_envelope();
  Attempts attempts = {.escaped = 0};
  text_add(&attempts.text, "{");
  return attempts;
}

// A step that may succeed, and that others build on.
static inline void note(Attempts* attempts, const char* name, __wasi_errno_t error) {
  text_add_number_member(&attempts->text, name, error);
}

// A step that leaves the preopened directory if it succeeds.
static inline void forbid(Attempts* attempts, const char* name, __wasi_errno_t error) {
  if (error == 0) ++attempts->escaped;
  note(attempts, name, error);
}

static inline void send_attempts(Attempts* attempts) {
  text_add_number_member(&attempts->text, "escaped", attempts->escaped);
  text_add(&attempts->text, "}");
  send_payload(&attempts->text);
}

// For clearing up, which may fail.
static inline void discard(__wasi_errno_t error) { (void)error; }

static inline __wasi_errno_t try_open_at(__wasi_fd_t directory, const char* path, __wasi_oflags_t flags, __wasi_rights_t rights,
                                         __wasi_fd_t* opened) {
  return __wasi_path_open(directory, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, path, flags, rights, rights, 0, opened);
}

// Opens for reading, following symbolic links, and closes again.
static inline __wasi_errno_t try_read(const char* path) {
  __wasi_fd_t opened;
  __wasi_errno_t error = try_open_at(kPreopen, path, 0, __WASI_RIGHTS_FD_READ, &opened);
  if (error == 0) discard(__wasi_fd_close(opened));
  return error;
}

static inline __wasi_errno_t try_create(const char* path) {
  __wasi_fd_t opened;
  __wasi_errno_t error = try_open_at(kPreopen, path, __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_WRITE, &opened);
  if (error == 0) discard(__wasi_fd_close(opened));
  return error;
}

static inline __wasi_errno_t try_stat(const char* path) {
  __wasi_filestat_t found;
  return __wasi_path_filestat_get(kPreopen, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, path, &found);
}
