// Gives the host pointers that lie outside of its memory, or wrap around. Answers {"attempt": errno, …}: EFAULT (21) is meant,
// EINVAL (28) and EOVERFLOW (61) will do, 0 never.
#include <wasi/api.h>

#include "text.h"

#define IMPORT(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

// Pointers as plain numbers: the compiler must not reason about them.
IMPORT(fd_write) int raw_fd_write(uint32_t fd, uint32_t iovecs, uint32_t count, uint32_t written);
IMPORT(fd_read) int raw_fd_read(uint32_t fd, uint32_t iovecs, uint32_t count, uint32_t got);
IMPORT(random_get) int raw_random_get(uint32_t at, uint32_t size);
IMPORT(clock_time_get) int raw_clock_time_get(uint32_t clock, uint64_t precision, uint32_t at);
IMPORT(args_sizes_get) int raw_args_sizes_get(uint32_t count, uint32_t size);
IMPORT(fd_fdstat_get) int raw_fd_fdstat_get(uint32_t fd, uint32_t at);
IMPORT(poll_oneoff) int raw_poll_oneoff(uint32_t in, uint32_t out, uint32_t count, uint32_t happened);

typedef struct {
  uint32_t at;
  uint32_t size;
} Iovec;

static uint32_t address(const volatile void* object) { return (uint32_t)(uintptr_t)object; }

static uint32_t memory_size(void) { return (uint32_t)__builtin_wasm_memory_size(0) * 65536u; }

// fd_write of stdout with a good iovec first: a host that writes before it has looked at all of them shows in the output.
static int write_second(uint32_t at, uint32_t size) {
  static const char kLeak[] = "LEAK";
  volatile Iovec iovecs[2] = {{address(kLeak), 4}, {at, size}};
  uint32_t written;
  return raw_fd_write(1, address(iovecs), 2, address(&written));
}

static int read_into(uint32_t at, uint32_t size) {
  volatile Iovec iovec = {at, size};
  uint32_t got;
  return raw_fd_read(0, address(&iovec), 1, address(&got));
}

static void try_writes(Text* text) {
  volatile Iovec iovec = {address("LEAK"), 4};
  uint32_t written, end = memory_size();
  text_add_number_member(text, "write_iovecs_outside", raw_fd_write(1, end, 1, address(&written)));
  text_add_number_member(text, "write_iovecs_across", raw_fd_write(1, end - 4, 1, address(&written)));
  text_add_number_member(text, "write_iovecs_wrap", raw_fd_write(1, 0xfffffffc, 1, address(&written)));
  text_add_number_member(text, "write_count_wraps", raw_fd_write(1, address(&iovec), 0x20000001, address(&written)));
  text_add_number_member(text, "write_count_huge", raw_fd_write(1, address(&iovec), 0xffffffff, address(&written)));
  text_add_number_member(text, "write_result_outside", raw_fd_write(1, address(&iovec), 1, end - 2));
  text_add_number_member(text, "write_result_wraps", raw_fd_write(1, address(&iovec), 1, 0xfffffffe));
  text_add_number_member(text, "write_buffer_outside", write_second(end, 1));
  text_add_number_member(text, "write_buffer_across", write_second(end - 8, 9));
  text_add_number_member(text, "write_buffer_wraps", write_second(0xfffffff0, 0x20));
  text_add_number_member(text, "write_buffer_huge", write_second(1024, 0xffffffff));
}

static void try_others(Text* text) {
  uint32_t end = memory_size(), happened;
  text_add_number_member(text, "read_buffer_outside", read_into(end, 1));
  text_add_number_member(text, "read_buffer_wraps", read_into(0xfffffff0, 0x20));
  text_add_number_member(text, "read_buffer_huge", read_into(1024, 0xffffffff));
  text_add_number_member(text, "random_outside", raw_random_get(end - 1, 2));
  text_add_number_member(text, "random_wraps", raw_random_get(0xfffffff0, 0x20));
  text_add_number_member(text, "clock_outside", raw_clock_time_get(0, 0, end - 4));
  text_add_number_member(text, "args_outside", raw_args_sizes_get(end, end));
  text_add_number_member(text, "fdstat_outside", raw_fd_fdstat_get(1, end - 8));
  text_add_number_member(text, "poll_in_outside", raw_poll_oneoff(end, 1024, 1, address(&happened)));
  text_add_number_member(text, "poll_count_wraps", raw_poll_oneoff(1024, 1024, 0x05555556, address(&happened)));
}

int main(void) {
  Text text = {0};
  text_add(&text, "{");
  try_writes(&text);
  try_others(&text);
  text_add(&text, "}");
  send_payload(&text);
  return 0;
}
