// Plants a secret, or looks for one that an earlier instance planted.
//
//   {"plant": "text"}   writes the text all over static memory, heap, stack and grown pages: answers {"planted": n}
//   {"look": "text"}    counts the text in all of linear memory, pages that it grows for this included: answers
//                       {"found": n, "scanned_bytes": n}. n is 0 unless memory of another instance shows through: the
//                       guest's own copy is masked, and wiped, before it looks.
//
// The text is taken as written in the envelope, without its quotes; at most kLongestSecret bytes.
#include "text.h"

enum {
  kLongestSecret = 256,
  kStatic = 64 * 1024,
  kStack = 32 * 1024,
  kHeap = 4 * 1024 * 1024,
  kPage = 64 * 1024,
  kGrownPages = 128,
  kMask = 0x5a
};

static char static_memory[kStatic];

static long plant(volatile char* at, size_t size, Slice secret) {
  long planted = 0;
  for (; size >= secret.size; at += secret.size, size -= secret.size, ++planted) {
    for (size_t i = 0; i < secret.size; ++i) at[i] = secret.at[i];
  }
  return planted;
}

static long plant_everywhere(Slice secret) {
  char stack[kStack];
  char* heap = malloc(kHeap);
  long planted = plant(static_memory, kStatic, secret) + plant(stack, kStack, secret);
  if (heap) planted += plant(heap, kHeap, secret);
  size_t grown = __builtin_wasm_memory_grow(0, kGrownPages);
  if (grown != SIZE_MAX) planted += plant((volatile char*)(grown * kPage), kGrownPages * kPage, secret);
  return planted;
}

static int matches(const volatile unsigned char* at, const unsigned char* masked, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    if ((at[i] ^ kMask) != masked[i]) return 0;
  }
  return 1;
}

static long count(const unsigned char* masked, size_t size, size_t memory) {
  const unsigned char first = masked[0] ^ kMask;
  long found = 0;
  for (uintptr_t at = 0; at + size <= memory; ++at) {
    const volatile unsigned char* place = (const volatile unsigned char*)at;
    if (*place == first && matches(place, masked, size)) ++found;
  }
  return found;
}

static void look(Slice input, Slice secret, Text* text) {
  unsigned char masked[kLongestSecret];
  for (size_t i = 0; i < secret.size; ++i) masked[i] = (unsigned char)secret.at[i] ^ kMask;
  volatile char* wipe = (volatile char*)(uintptr_t)input.at;
  for (size_t i = 0; i < input.size; ++i) wipe[i] = 0;
  (void)__builtin_wasm_memory_grow(0, kGrownPages);
  size_t memory = __builtin_wasm_memory_size(0) * kPage;
  text_add_number_member(text, "found", count(masked, secret.size, memory));
  text_add_number_member(text, "scanned_bytes", (long long)memory);
}

int main(void) {
  Slice input = read_all(STDIN_FILENO), none = {"", 0};
  Envelope in = parse_envelope(input);
  Slice planted = json_member(in.payload, "plant", none), looked = json_member(in.payload, "look", none);
  Slice secret = planted.size > 0 ? planted : looked;
  if (!json_is_string(secret) || secret.size < 3 || secret.size > kLongestSecret) return 2;
  secret = (Slice){secret.at + 1, secret.size - 2};
  Text text = {0};
  text_add(&text, "{");
  if (planted.size > 0) {
    text_add_number_member(&text, "planted", plant_everywhere(secret));
  } else {
    look(input, secret, &text);
  }
  text_add(&text, "}");
  send_payload(&text);
  return 0;
}
