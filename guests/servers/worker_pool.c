// An HTTP server whose requests are answered by threads: the first accepts connections and queues them, WORKERS (4) others take one
// each, and sleep on a futex while there is none. /primes/N counts the primes below N; /meet/N answers when N such requests are
// there; /all/N starts N threads that add to one number; /exit/N leaves with N, /trap traps, each in its thread. An answer says
// which thread gave it: {"worker":2,"value":168}.
#include "threads.h"

#include "http.h"

enum { kQueue = 64, kMostWorkers = 16, kAdditions = 1000, kAdder = 1u << 31 };

static Mutex queue_lock;
static int32_t queue[kQueue];
static uint32_t queued = 0, taken = 0;
static _Atomic uint32_t signal_queued;  // changes with every connection

static HttpConnection connections[kMostWorkers];
static _Thread_local uint32_t worker = 99;
static _Atomic uint32_t meeting, met, adders, sum;

static void put(int32_t fd) {
  lock(&queue_lock);
  int is_full = queued - taken == kQueue;
  if (!is_full) queue[queued++ % kQueue] = fd;
  unlock(&queue_lock);
  if (is_full) close(fd);
  atomic_fetch_add(&signal_queued, 1);
  futex_wake(&signal_queued);
}

static int32_t take(void) {
  for (;;) {
    uint32_t seen = atomic_load(&signal_queued);
    lock(&queue_lock);
    int32_t fd = queued == taken ? -1 : queue[taken++ % kQueue];
    unlock(&queue_lock);
    if (fd >= 0) return fd;
    futex_wait(&signal_queued, seen);
  }
}

static uint32_t primes_below(uint32_t most) {
  uint32_t count = 0;
  for (uint32_t n = 2; n < most; ++n) {
    uint32_t divisor = 2;
    while (divisor * divisor <= n && n % divisor != 0) ++divisor;
    count += divisor * divisor > n;
  }
  return count;
}

static uint32_t meet(uint32_t number) {
  uint32_t round = atomic_load(&met);
  if (atomic_fetch_add(&meeting, 1) + 1 == number) {
    atomic_store(&meeting, 0);
    atomic_fetch_add(&met, 1);
    futex_wake(&met);
  }
  while (atomic_load(&met) == round) futex_wait(&met, round);
  return number;
}

// Allocates, so it wants the lock.
static uint32_t add_with(uint32_t threads) {
  static Mutex one_at_a_time;
  lock(&one_at_a_time);
  atomic_store(&sum, 0);
  atomic_store(&adders, 0);
  uint32_t started = 0;
  while (started < threads && start_thread(kAdder) == 0) ++started;
  for (uint32_t done; (done = atomic_load(&adders)) < started;) futex_wait(&adders, done);
  uint32_t result = atomic_load(&sum);
  unlock(&one_at_a_time);
  return result;
}

static void serve(HttpConnection* connection) {
  HttpMessage message;
  char text[64];
  uint32_t value = 0;
  if (!http_read(connection, &message)) return;
  const char* digits = strrchr(message.path, '/') + 1;
  uint32_t number = (uint32_t)atoi(digits);
  if (strncmp(message.path, "/primes/", 8) == 0) value = primes_below(number);
  if (strncmp(message.path, "/meet/", 6) == 0) value = meet(number);
  if (strncmp(message.path, "/all/", 5) == 0) value = add_with(number);
  if (strncmp(message.path, "/exit/", 6) == 0) _Exit((int)number);
  if (strcmp(message.path, "/trap") == 0) __builtin_trap();
  int size = snprintf(text, sizeof text, "{\"worker\":%u,\"value\":%u}\n", (unsigned)worker, (unsigned)value);
  http_answer(connection, 200, "Connection: close\r\n", text, (size_t)size);
}

void thread_main(uint32_t argument) {
  if (argument == kAdder) {
    for (int i = 0; i < kAdditions; ++i) atomic_fetch_add(&sum, 1);
    atomic_fetch_add(&adders, 1);
    futex_wake(&adders);
    return;
  }
  worker = argument;
  HttpConnection* connection = &connections[argument];
  for (;;) {
    connection->size = connection->used = 0;
    connection->fd = take();
    serve(connection);
    close(connection->fd);
  }
}

int main(void) {
  const char* wanted = getenv("WORKERS");
  uint32_t workers = wanted ? (uint32_t)atoi(wanted) : 4;
  int32_t error = 0, listener = listen_on(port_to_serve(), &error);
  if (listener < 0) return 11;
  for (uint32_t i = 0; i < workers && i < kMostWorkers; ++i)
    if ((error = start_thread(i)) != 0) fprintf(stderr, "no thread %u: errno %d\n", (unsigned)i, (int)error);
  for (;;) {
    SocketAddress peer;
    int32_t accepted = -1;
    if (wasix_sock_accept(listener, 0, &accepted, &peer) != 0) return 12;
    put(accepted);
  }
}
