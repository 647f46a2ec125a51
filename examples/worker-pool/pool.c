// An HTTP server with threads (WASIX): the first accepts connections and changes each into a place, four others wait on a futex for one.
// /primes/N answers how many primes are below N, /meet/N answers once N requests are there at the same time, so N threads have to be.
#include "threads.h"

#include "http.h"

enum { kWorkers = 4, kPlaces = 64 };

static Mutex places_lock;
static int32_t places[kPlaces];
static uint32_t put_so_far, taken_so_far;
static _Atomic uint32_t changes, waiting, met;
static HttpConnection connections[kWorkers];

static int32_t take_connection(void) {
  for (;;) {
    uint32_t seen = atomic_load(&changes);
    lock(&places_lock);
    int32_t fd = put_so_far == taken_so_far ? -1 : places[taken_so_far++ % kPlaces];
    unlock(&places_lock);
    if (fd >= 0) return fd;
    futex_wait(&changes, seen);
  }
}

static void put_connection(int32_t fd) {
  lock(&places_lock);
  int is_full = put_so_far - taken_so_far == kPlaces;
  if (!is_full) places[put_so_far++ % kPlaces] = fd;
  unlock(&places_lock);
  if (is_full) close(fd);
  atomic_fetch_add(&changes, 1);
  futex_wake(&changes);
}

static uint32_t primes_below(uint32_t end) {
  uint32_t count = 0;
  for (uint32_t n = 2; n < end; ++n) {
    uint32_t divisor = 2;
    while (divisor * divisor <= n && n % divisor != 0) ++divisor;
    count += divisor * divisor > n;
  }
  return count;
}

static uint32_t meet(uint32_t number) {
  uint32_t round = atomic_load(&met);
  if (atomic_fetch_add(&waiting, 1) + 1 >= number) {
    atomic_store(&waiting, 0);
    atomic_fetch_add(&met, 1);
    futex_wake(&met);
  }
  while (atomic_load(&met) == round) futex_wait(&met, round);
  return number;
}

static void answer(HttpConnection* connection, uint32_t worker) {
  HttpMessage message;
  if (!http_read(connection, &message)) return;
  uint32_t number = (uint32_t)atoi(strrchr(message.path, '/') + 1);
  char text[64];
  int size = 0;
  if (strncmp(message.path, "/primes/", 8) == 0) size = snprintf(text, sizeof text, "%u primes\n", (unsigned)primes_below(number));
  if (strncmp(message.path, "/meet/", 6) == 0) size = snprintf(text, sizeof text, "met %u in thread %u\n", (unsigned)meet(number), (unsigned)worker);
  http_answer(connection, size > 0 ? 200 : 404, "Connection: close\r\n", text, (size_t)size);
}

void thread_main(uint32_t worker) {
  HttpConnection* connection = &connections[worker];
  for (;;) {
    connection->size = connection->used = 0;
    connection->fd = take_connection();
    answer(connection, worker);
    close(connection->fd);
  }
}

int main(void) {
  int32_t error = 0, listener = listen_on(port_to_serve(), &error);
  if (listener < 0) return 1;
  for (uint32_t worker = 0; worker < kWorkers; ++worker)
    if ((error = start_thread(worker)) != 0) return 2;
  for (;;) {
    SocketAddress peer;
    int32_t accepted = -1;
    if (wasix_sock_accept(listener, 0, &accepted, &peer) != 0) return 3;
    put_connection(accepted);
  }
}
