// Threads of WASIX on shared memory, and what waits on a futex, for guests built without the WASIX C library.
//
// The C library here knows no threads: no more than one thread at a time may call what allocates, or uses stdio. A guest defines
// thread_main(); thread_start.S calls it on a stack of its own.
#pragma once

// The C library's errno is one for all threads, whatever its header says to a program that has threads.
#define _Thread_local
#include <errno.h>
#undef _Thread_local

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "wasix.h"

enum { kThreadStack = 64 * 1024, kThreadLocals = 4096 };

typedef struct {
  uint32_t stack_end, locals, function, argument, reserved[10], stack_size, guard_size;
} ThreadStart;
_Static_assert(sizeof(ThreadStart) == 64, "as the host reads it");

typedef struct {
  uint8_t is_there;
  uint64_t ns;
} MaybeTime;

int32_t wasix_thread_spawn(ThreadStart* start, uint32_t* id) WASIX_IMPORT(thread_spawn_v2);
int32_t wasix_futex_wait(_Atomic uint32_t* word, uint32_t expected, const MaybeTime* most, uint8_t* woken) WASIX_IMPORT(futex_wait);
int32_t wasix_futex_wake_all(_Atomic uint32_t* word, uint8_t* woken) WASIX_IMPORT(futex_wake_all);

void thread_main(uint32_t argument);

// Returns once the word is another, or for no reason.
static inline void futex_wait(_Atomic uint32_t* word, uint32_t while_it_is) {
  MaybeTime for_ever = {.is_there = 0};
  uint8_t woken = 0;
  wasix_futex_wait(word, while_it_is, &for_ever, &woken);
}

static inline void futex_wake(_Atomic uint32_t* word) {
  uint8_t woken = 0;
  wasix_futex_wake_all(word, &woken);
}

// Runs thread_main(argument) in a new thread: 0, or the errno. What a thread took is never given back.
static inline int32_t start_thread(uint32_t argument) {
  if (__builtin_wasm_tls_size() > kThreadLocals) abort();
  char* memory = aligned_alloc(16, sizeof(ThreadStart) + kThreadLocals + kThreadStack);
  if (!memory) return 48;  // ENOMEM
  ThreadStart* start = (ThreadStart*)memory;
  uint32_t locals = (uint32_t)memory + sizeof *start, id = 0;
  *start = (ThreadStart){.stack_end = locals + kThreadLocals + kThreadStack, .locals = locals, .argument = argument,
                         .stack_size = kThreadStack};
  return wasix_thread_spawn(start, &id);
}

// A lock for the few places where threads meet.
typedef struct {
  _Atomic uint32_t taken;
} Mutex;

static inline void lock(Mutex* mutex) {
  while (atomic_exchange(&mutex->taken, 1) != 0) futex_wait(&mutex->taken, 1);
}

static inline void unlock(Mutex* mutex) {
  atomic_store(&mutex->taken, 0);
  futex_wake(&mutex->taken);
}
