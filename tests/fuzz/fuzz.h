/* fuzz.h - what the fuzz targets share: numbers taken from the input, blocks with poisoned ends, an expectation
 *
 * A target is one file, fuzz_NAME.c, that turns any bytes into calls of linformer.h. It aborts when an expectation does
 * not hold; the sanitizers abort when memory or arithmetic is misused. `make fuzz` builds and runs all of them. */
#ifndef LF_TESTS_FUZZ_H
#define LF_TESTS_FUZZ_H

#include <sanitizer/asan_interface.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linformer.h"

#define EXPECT(condition)                                                                                              \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                             \
      abort();                                                                                                         \
    }                                                                                                                  \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the input, read from its start; past its end everything is zero ---- */

typedef struct fuzz_input {
  const uint8_t *at;
  size_t left;
} fuzz_input;

static inline uint32_t take_byte(fuzz_input *input) {
  if (input->left == 0) return 0;
  input->left--;
  return *input->at++;
}

static inline uint32_t take_u32(fuzz_input *input) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) value |= take_byte(input) << 8 * i;
  return value;
}

/* low .. high, from one byte. */
static inline int32_t take_between(fuzz_input *input, int32_t low, int32_t high) {
  return low + (int32_t)(take_byte(input) % (uint32_t)(high - low + 1));
}

/* ---- blocks ---- */

/* Static memory of which only the first `bytes` may be touched: the address sanitizer sees one byte too much, and no
 * time goes into an allocator. */
typedef struct fuzz_block {
  uint8_t *base;   /* aligned to LF_ALIGN */
  size_t capacity; /* bytes at `base` */
  size_t bytes;    /* of them that may be touched */
} fuzz_block;

/* The block cut to `bytes`, or NULL if it has not so many. Its contents stay. */
static inline void *cut(fuzz_block *block, uint64_t bytes) {
  if (bytes > block->capacity) return NULL;
  if (bytes != block->bytes) {
    ASAN_UNPOISON_MEMORY_REGION(block->base, bytes);
    ASAN_POISON_MEMORY_REGION(block->base + bytes, block->capacity - (size_t)bytes);
    block->bytes = (size_t)bytes;
  }
  return block->base;
}

#endif
