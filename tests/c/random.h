/* random.h - the same pseudo-random numbers in every build (Marsaglia's xorshift, 32 bits) */
#ifndef LF_TESTS_RANDOM_H
#define LF_TESTS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t random_bits(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

/* A multiple of 2^-12 in [-scale, scale), so the same in every build. */
static inline float random_float(uint32_t *state, float scale) {
  return ((float)(random_bits(state) % 8192) / 4096.0f - 1.0f) * scale;
}

static inline void random_fill(float *out, size_t n, uint32_t *state, float scale) {
  for (size_t i = 0; i < n; i++) out[i] = random_float(state, scale);
}

#endif
