// An HTTP server on PORT that answers /health, and goes wrong on request. Those that never answer: /loop, /accept (takes
// connections and lets them wait), /futex.
// Those that answer {"done": n, "errno": the last}: /threads (starts 200 that never end), /fork and /spawn (a thousand processes),
// /memory, /files (MiB of a file in memory), /names (files in memory with nothing in them), /fds and /memory-fds (one file, again
// and again), /sockets, /dial/A.B.C.D/PORT, /bind/A.B.C.D/PORT (dials from a socket that it has bound), /starved/A.B.C.D/PORT
// (the same when no descriptor is left), /again (listens on PORT once more), /open/PATH, and /link/TARGET (makes /data/link point
// there and reads it).
#include <fcntl.h>

#include "threads.h"

#include "http.h"

enum { kThreads = 200, kProcesses = 1000, kMany = 1000000 };

int32_t wasix_proc_fork(int32_t copy_memory, int32_t* id) WASIX_IMPORT(proc_fork);
int32_t wasix_proc_spawn(const char* name, int32_t name_size, const char* args, int32_t args_size, const char* envs, int32_t envs_size,
                         const void* fd_ops, int32_t fd_ops_count, const void* signals, int32_t signal_count, int32_t search_path,
                         const char* path, int32_t path_size, int32_t* id) WASIX_IMPORT(proc_spawn2);

typedef struct {
  long done;
  int32_t error;
} Outcome;

static int32_t listener;
static _Atomic uint32_t never;

void thread_main(uint32_t argument) {
  (void)argument;
  for (;;) futex_wait(&never, 0);
}

static Outcome start_threads(void) {
  Outcome outcome = {0};
  while (outcome.done < kThreads && (outcome.error = start_thread(0)) == 0) ++outcome.done;
  return outcome;
}

// A child would come back here too: it must not, or it would take the storm on.
static Outcome fork_storm(void) {
  Outcome outcome = {0};
  for (int i = 0; i < kProcesses; ++i) {
    int32_t id = -1;
    outcome.error = wasix_proc_fork(1, &id);
    outcome.done += outcome.error == 0;
  }
  return outcome;
}

static Outcome spawn_storm(void) {
  static const char kSelf[] = "/bin/self";
  Outcome outcome = {0};
  for (int i = 0; i < kProcesses; ++i) {
    int32_t id = -1;
    outcome.error = wasix_proc_spawn(kSelf, sizeof kSelf - 1, "", 0, NULL, 0, NULL, 0, NULL, 0, 0, NULL, 0, &id);
    outcome.done += outcome.error == 0;
  }
  return outcome;
}

static Outcome take_memory(void) {
  Outcome outcome = {0};
  for (char* block = malloc(1 << 20); block; block = malloc(1 << 20), ++outcome.done) memset(block, 1, 1 << 20);
  outcome.error = errno;
  return outcome;
}

// In MiB.
static Outcome write_files(void) {
  static char block[1 << 20];
  Outcome outcome = {0};
  int file = open("/bomb", O_WRONLY | O_CREAT, 0600);
  for (; outcome.done < kMany; ++outcome.done) {
    ssize_t size = write(file, block, sizeof block);
    if (size == (ssize_t)sizeof block) continue;
    outcome.error = size < 0 ? errno : 0;
    break;
  }
  close(file);
  unlink("/bomb");
  return outcome;
}

// Many small ones: names and tables cost memory too.
static Outcome make_files(void) {
  Outcome outcome = {0};
  char name[32];
  for (; outcome.done < kMany; ++outcome.done) {
    snprintf(name, sizeof name, "/f%ld", outcome.done);
    int file = open(name, O_WRONLY | O_CREAT, 0600);
    outcome.error = file < 0 ? errno : 0;
    if (file < 0) break;
    close(file);
  }
  return outcome;
}

static Outcome open_many(const char* path) {
  Outcome outcome = {0};
  for (; outcome.done < kMany; ++outcome.done) {
    if (open(path, O_RDONLY | O_CREAT, 0600) >= 0) continue;
    outcome.error = errno;
    break;
  }
  return outcome;
}

static Outcome open_sockets(void) {
  Outcome outcome = {0};
  SocketAddress peer = {.family = kInet4, .port = port_to_serve(), .address = {127, 0, 0, 1}};
  static int32_t sockets[400];
  int opened = 0;
  for (; opened < 400; ++outcome.done) {
    int32_t fd = -1;
    outcome.error = wasix_sock_open(kInet4, kStream, kTcp, &fd);
    if (outcome.error == 0) outcome.error = wasix_sock_connect(fd, &peer);
    if (fd >= 0) sockets[opened++] = fd;
    if (outcome.error != 0) break;
  }
  while (opened > 0) close(sockets[--opened]);
  return outcome;
}

typedef enum { kAtOnce, kBound, kStarved } Way;

static Outcome dial(const char* place, Way way) {
  unsigned part[5];
  Outcome outcome = {.error = 28};
  if (sscanf(place, "%u.%u.%u.%u/%u", &part[0], &part[1], &part[2], &part[3], &part[4]) != 5) return outcome;
  SocketAddress peer = {.family = kInet4, .port = (uint16_t)part[4]};
  for (int i = 0; i < 4; ++i) peer.address[i] = (uint8_t)part[i];
  int32_t fd = -1;
  outcome.error = wasix_sock_open(kInet4, kStream, kTcp, &fd);
  SocketAddress own = {.family = kInet4};
  if (outcome.error == 0 && way != kAtOnce) outcome.error = wasix_sock_bind(fd, &own);
  static int files[400];
  int opened = 0;
  while (way == kStarved && opened < 400 && (files[opened] = open("/data/flood", O_RDONLY | O_CREAT, 0600)) >= 0) ++opened;
  if (outcome.error == 0) outcome.error = wasix_sock_connect(fd, &peer);
  while (opened > 0) close(files[--opened]);
  if (fd >= 0) close(fd);
  outcome.done = outcome.error == 0;
  return outcome;
}

static Outcome listen_again(void) {
  Outcome outcome = {0};
  outcome.done = listen_on(port_to_serve(), &outcome.error) >= 0;
  return outcome;
}

static Outcome read_file(const char* path) {
  char text[16];
  int file = open(path, O_RDONLY);
  ssize_t size = file < 0 ? -1 : read(file, text, sizeof text);
  Outcome outcome = {.done = size > 0, .error = size < 0 ? errno : 0};
  if (file >= 0) close(file);
  return outcome;
}

static Outcome read_link_to(const char* target) {
  unlink("/data/link");
  if (symlink(target, "/data/link") != 0) return (Outcome){.done = 0, .error = errno};
  return read_file("/data/link");
}

static void hang(const char* how) {
  SocketAddress peer;
  int32_t fd = -1;
  if (strcmp(how, "/loop") == 0)
    for (volatile unsigned rounds = 0;; ++rounds) continue;
  for (;;) {
    if (strcmp(how, "/futex") == 0) futex_wait(&never, 0);
    if (strcmp(how, "/accept") == 0) wasix_sock_accept(listener, 0, &fd, &peer);
  }
}

static int is(const char* path, const char* word) { return strcmp(path, word) == 0; }
static const char* after(const char* path, const char* word) {
  return strncmp(path, word, strlen(word)) == 0 ? path + strlen(word) : NULL;
}

static Outcome act(const char* path) {
  const char* rest;
  if (is(path, "/loop") || is(path, "/futex") || is(path, "/accept")) hang(path);
  if (is(path, "/threads")) return start_threads();
  if (is(path, "/fork")) return fork_storm();
  if (is(path, "/spawn")) return spawn_storm();
  if (is(path, "/memory")) return take_memory();
  if (is(path, "/files")) return write_files();
  if (is(path, "/names")) return make_files();
  if (is(path, "/fds")) return open_many("/data/flood");
  if (is(path, "/memory-fds")) return open_many("/flood");
  if (is(path, "/sockets")) return open_sockets();
  if ((rest = after(path, "/dial/"))) return dial(rest, kAtOnce);
  if ((rest = after(path, "/bind/"))) return dial(rest, kBound);
  if ((rest = after(path, "/starved/"))) return dial(rest, kStarved);
  if (is(path, "/again")) return listen_again();
  if ((rest = after(path, "/open/"))) return read_file(rest);
  if ((rest = after(path, "/link/"))) return read_link_to(rest);
  return (Outcome){0};
}

int main(void) {
  static HttpConnection connection;
  int32_t error = 0;
  listener = listen_on(port_to_serve(), &error);
  if (listener < 0) return 11;
  for (;;) {
    SocketAddress peer;
    HttpMessage message;
    char text[64];
    connection.size = connection.used = 0;
    if (wasix_sock_accept(listener, 0, &connection.fd, &peer) != 0) return 12;
    if (http_read(&connection, &message)) {
      Outcome outcome = act(message.path);
      int size = snprintf(text, sizeof text, "{\"done\":%ld,\"errno\":%d}\n", outcome.done, (int)outcome.error);
      http_answer(&connection, 200, "Connection: close\r\n", text, (size_t)size);
    }
    close(connection.fd);
  }
}
