/* arena.h - carves one caller-owned block into aligned pieces.
 *
 * A carve function takes its pieces from an arena in a fixed order. Run with a base of NULL it only counts, and
 * `used` is the size to ask the caller for; run again over the caller's block it hands out the pointers. One function
 * for both, so sizes and pointers cannot disagree.
 */
#ifndef LF_ARENA_H
#define LF_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "linformer.h"

typedef struct lf_arena {
  uint8_t *base; /* NULL: count only */
  uint64_t used; /* bytes handed out so far, a multiple of LF_ALIGN; UINT64_MAX once a size has overflowed */
} lf_arena;

/* `count` items of `size` bytes, aligned to LF_ALIGN. NULL when only counting. */
static inline void *lf_arena_take(lf_arena *arena, uint64_t count, uint64_t size) {
  if (arena->used == UINT64_MAX || (size != 0 && count > (UINT64_MAX - arena->used - LF_ALIGN) / size)) {
    arena->used = UINT64_MAX;
    return NULL;
  }
  void *piece = arena->base != NULL ? arena->base + arena->used : NULL;
  const uint64_t bytes = count * size;
  arena->used += (bytes + LF_ALIGN - 1) / LF_ALIGN * LF_ALIGN;
  return piece;
}

#endif /* LF_ARENA_H */
