// One file operation per event, through the C library: payload {"op": …, "path": …, "to": …, "text": …}, answer
// {"ok": bool, "errno": n, "text": …}.
//
//   read write append truncate   `text` is what is written, and what was read; truncate takes the size from `text`
//   list                         the names but . and .., sorted, one per line
//   stat lstat                   "file 12", "dir 0", "symlink 9", "other 0": kind and size
//   mkdir rmdir unlink           on `path`
//   rename link symlink          from `path` to `to`; symlink: `path` is what the new link `to` says
//   readlink                     what the link says
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "text.h"

typedef struct {
  const char* path;
  const char* to;
  const char* text;
} Job;

// Every operation returns 0 or -1 with errno set, as the C library does.
typedef int (*Operation)(const Job* job, Text* result);

static int read_file(const Job* job, Text* result) {
  char chunk[4096];
  int fd = open(job->path, O_RDONLY);
  if (fd < 0) return -1;
  ssize_t got;
  while ((got = read(fd, chunk, sizeof chunk)) > 0) text_add_bytes(result, chunk, (size_t)got);
  int failed = got < 0 ? errno : 0;
  close(fd);
  errno = failed;
  return failed ? -1 : 0;
}

static int write_with(const Job* job, int flags) {
  int fd = open(job->path, flags, 0644);
  if (fd < 0) return -1;
  size_t size = strlen(job->text);
  ssize_t written = write(fd, job->text, size);
  int failed = written < 0 ? errno : 0;
  if (written >= 0 && (size_t)written < size) failed = EIO;
  if (close(fd) != 0 && !failed) failed = errno;
  errno = failed;
  return failed ? -1 : 0;
}

static int write_file(const Job* job, Text* result) {
  (void)result;
  return write_with(job, O_WRONLY | O_CREAT | O_TRUNC);
}

static int append_file(const Job* job, Text* result) {
  (void)result;
  return write_with(job, O_WRONLY | O_CREAT | O_APPEND);
}

static int truncate_file(const Job* job, Text* result) {
  (void)result;
  int fd = open(job->path, O_WRONLY);
  if (fd < 0) return -1;
  int failed = ftruncate(fd, strtoll(job->text, NULL, 10)) != 0 ? errno : 0;
  close(fd);
  errno = failed;
  return failed ? -1 : 0;
}

static int by_name(const struct dirent** left, const struct dirent** right) { return strcmp((*left)->d_name, (*right)->d_name); }

static int not_dots(const struct dirent* entry) { return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0; }

static int list_directory(const Job* job, Text* result) {
  struct dirent** entries;
  int count = scandir(job->path, &entries, not_dots, by_name);
  if (count < 0) return -1;
  for (int i = 0; i < count; ++i) {
    if (i > 0) text_add(result, "\n");
    text_add(result, entries[i]->d_name);
  }
  return 0;
}

static int describe(const struct stat* found, Text* result) {
  text_add(result, S_ISREG(found->st_mode)   ? "file "
                   : S_ISDIR(found->st_mode) ? "dir "
                   : S_ISLNK(found->st_mode) ? "symlink "
                                             : "other ");
  text_add_number(result, S_ISDIR(found->st_mode) ? 0 : found->st_size);
  return 0;
}

static int stat_path(const Job* job, Text* result) {
  struct stat found;
  return stat(job->path, &found) != 0 ? -1 : describe(&found, result);
}

static int lstat_path(const Job* job, Text* result) {
  struct stat found;
  return lstat(job->path, &found) != 0 ? -1 : describe(&found, result);
}

static int make_directory(const Job* job, Text* result) {
  (void)result;
  return mkdir(job->path, 0755);
}

static int remove_directory(const Job* job, Text* result) {
  (void)result;
  return rmdir(job->path);
}

static int unlink_file(const Job* job, Text* result) {
  (void)result;
  return unlink(job->path);
}

static int rename_path(const Job* job, Text* result) {
  (void)result;
  return rename(job->path, job->to);
}

static int link_path(const Job* job, Text* result) {
  (void)result;
  return link(job->path, job->to);
}

static int symlink_path(const Job* job, Text* result) {
  (void)result;
  return symlink(job->path, job->to);
}

static int read_link(const Job* job, Text* result) {
  char target[1024];
  ssize_t size = readlink(job->path, target, sizeof target);
  if (size < 0) return -1;
  text_add_bytes(result, target, (size_t)size);
  return 0;
}

static const struct {
  const char* name;
  Operation run;
} kOperations[] = {
    {"read", read_file},      {"write", write_file},       {"append", append_file}, {"truncate", truncate_file},
    {"list", list_directory}, {"stat", stat_path},         {"lstat", lstat_path},   {"mkdir", make_directory},
    {"unlink", unlink_file},  {"rmdir", remove_directory}, {"rename", rename_path}, {"link", link_path},
    {"readlink", read_link},  {"symlink", symlink_path},
};

static Operation find_operation(const char* name) {
  for (size_t i = 0; i < sizeof kOperations / sizeof kOperations[0]; ++i) {
    if (strcmp(kOperations[i].name, name) == 0) return kOperations[i].run;
  }
  return NULL;
}

int main(void) {
  Envelope in = read_envelope();
  Slice none = {"", 0};
  Operation run = find_operation(json_text(json_member(in.payload, "op", none)));
  if (!run) return 2;
  Job job = {.path = json_text(json_member(in.payload, "path", none)),
             .to = json_text(json_member(in.payload, "to", none)),
             .text = json_text(json_member(in.payload, "text", none))};
  Text result = {0};
  int ok = run(&job, &result) == 0;
  Text text = {0};
  text_add(&text, ok ? "{\"ok\":true" : "{\"ok\":false");
  text_add_number_member(&text, "errno", ok ? 0 : errno);
  text_add_string_member(&text, "text", result.at, result.size);
  text_add(&text, "}");
  send_payload(&text);
  return 0;
}
