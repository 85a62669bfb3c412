/* lane_simd128.h - four floats at once, for the two files of WebAssembly SIMD kernels (internal to them)
 *
 * Built with LF_RELAXED the multiply-add is relaxed SIMD's, which fuses where the machine does. */
#ifndef LF_LANE_SIMD128_H
#define LF_LANE_SIMD128_H

#include <wasm_simd128.h>

#include "kernels.h"

/* Before a loop whose count is constant: all its rounds are written out, so that arrays become registers. Nothing else is
 * unrolled, see the Makefile. */
#define UNROLL_ALL _Pragma("clang loop unroll(full)")

/* Four lanes. */
typedef v128_t lf_lane;

/* In a loop that moves several pointers: keeps this one in a register of its own, moved by an addition. The compiler would
 * compute it from another one at each turn, by instructions that wait for the same units as vector arithmetic (x86-64). */
#define OWN_REGISTER(pointer) __asm__("" : "+r"(pointer))

#ifdef LF_RELAXED
static inline lf_lane multiply_add(lf_lane acc, lf_lane a, lf_lane b) { return wasm_f32x4_relaxed_madd(a, b, acc); }
#else
static inline lf_lane multiply_add(lf_lane acc, lf_lane a, lf_lane b) {
  return wasm_f32x4_add(acc, wasm_f32x4_mul(a, b));
}
#endif

static inline lf_lane splat(float value) { return wasm_f32x4_splat(value); }
static inline float first(lf_lane v) { return wasm_f32x4_extract_lane(v, 0); }

/* The same value in all lanes, read from memory where no compiler sees that it is constant: engines rebuild a plain
 * v128 constant at each use, inside loops too, by three instructions. A value that was loaded stays in its register. */
static inline lf_lane constant(float value) {
  const float *address = &value;
  __asm__("" : "+r"(address) : : "memory");
  return wasm_v128_load32_splat(address);
}

static inline v128_t constant_bits(uint32_t bits) {
  const uint32_t *address = &bits;
  __asm__("" : "+r"(address) : : "memory");
  return wasm_v128_load32_splat(address);
}

/* exp by Cody and Waite's reduction: see lane_scalar.h. pmax is its comparison, bit for bit. */
typedef struct lf_exp_constants {
  lf_lane low, rate, shift, ln2_high, ln2_low, c5, c4, c3, c2, c1, c0;
} lf_exp_constants;

static inline lf_exp_constants exp_constants(void) {
  return (lf_exp_constants){
      .low = constant(LF_EXP_LOWEST),
      .rate = constant(LF_LOG2_E),
      .shift = constant(LF_ROUND),
      .ln2_high = constant(LF_LN2_HIGH),
      .ln2_low = constant(LF_LN2_LOW),
      .c5 = constant(LF_EXP_5),
      .c4 = constant(LF_EXP_4),
      .c3 = constant(LF_EXP_3),
      .c2 = constant(LF_EXP_2),
      .c1 = constant(LF_EXP_1),
      .c0 = constant(1.0f),
  };
}

static inline lf_lane lf_exp(lf_lane x, const lf_exp_constants *k) {
  x = wasm_f32x4_pmax(x, k->low);
  const lf_lane shifted = multiply_add(k->shift, x, k->rate);
  const lf_lane j = wasm_f32x4_sub(shifted, k->shift);
  lf_lane r = multiply_add(x, j, k->ln2_high);
  r = multiply_add(r, j, k->ln2_low);
  lf_lane y = multiply_add(k->c4, k->c5, r);
  y = multiply_add(k->c3, y, r);
  y = multiply_add(k->c2, y, r);
  y = multiply_add(k->c1, y, r);
  y = multiply_add(k->c0, y, r);
  return wasm_i32x4_add(y, wasm_i32x4_shl(shifted, 23));
}

/* exp for values that are quantised next: see lane_scalar.h. */
typedef struct lf_coarse_exp_constants {
  lf_lane low, rate, shift, c3, c2, c1, c0;
} lf_coarse_exp_constants;

static inline lf_coarse_exp_constants coarse_exp_constants(void) {
  return (lf_coarse_exp_constants){
      .low = constant(LF_EXP_LOWEST),
      .rate = constant(LF_LOG2_E),
      .shift = constant(LF_ROUND),
      .c3 = constant(LF_COARSE_EXP_3),
      .c2 = constant(LF_COARSE_EXP_2),
      .c1 = constant(LF_COARSE_EXP_1),
      .c0 = constant(1.0f),
  };
}

static inline lf_lane coarse_exp(lf_lane x, const lf_coarse_exp_constants *k) {
  x = wasm_f32x4_pmax(x, k->low);
  const lf_lane shifted = multiply_add(k->shift, x, k->rate);
  const lf_lane f = multiply_add(wasm_f32x4_sub(k->shift, shifted), x, k->rate);
  lf_lane y = multiply_add(k->c2, k->c3, f);
  y = multiply_add(k->c1, y, f);
  y = multiply_add(k->c0, y, f);
  return wasm_i32x4_add(y, wasm_i32x4_shl(shifted, 23));
}

/* gelu(x) = x / (1 + exp(gelu_exponent(x))). */
typedef struct lf_gelu_constants {
  lf_lane a, b, highest;
} lf_gelu_constants;

static inline lf_gelu_constants gelu_constants(void) {
  return (lf_gelu_constants){.a = constant(LF_GELU_A), .b = constant(LF_GELU_B), .highest = constant(LF_EXP_HIGHEST)};
}

static inline lf_lane gelu_exponent(lf_lane x, const lf_gelu_constants *k) {
  const lf_lane slope = multiply_add(k->a, wasm_f32x4_mul(x, x), k->b);
  return wasm_f32x4_pmin(wasm_f32x4_mul(x, slope), k->highest);
}

/* The four partials of a sum. */
static inline float combine(const float partial[4]) { return (partial[0] + partial[1]) + (partial[2] + partial[3]); }

/* Row r of a softmax learns of a maximum that may be larger: what it has so far becomes relative to that. */
static inline void raise_max(lf_softmax state, size_t r, float max, const lf_exp_constants *k) {
  if (state.sum[r] != 0.0f) {
    const float correction = first(lf_exp(splat(state.max[r] - max), k));
    state.sum[r] = state.sum[r] * correction;
    lf_scale(state.ctx.data + r * state.ctx.ld, correction, state.n_ctx);
  }
  state.max[r] = max;
}

/* Rows of the next block of `left` rows: as many as a block has, or else 2 or 1, so that the code stays small. */
static inline size_t next_rows(size_t left, size_t block) {
  if (left >= block) return block;
  return left >= 2 ? 2 : 1;
}

/* Rows that are reduced side by side, so that their maxima do not wait for each other. Of fewer rows the last one fills up the
 * block: it is read again, and not written. */
enum { SIDE_ROWS = 4 };

typedef struct lf_row_block {
  float *row[SIDE_ROWS];
  size_t index[SIDE_ROWS];
  size_t count;
} lf_row_block;

/* Rows first .. first + left - 1, or SIDE_ROWS of them. */
static inline lf_row_block row_block(lf_rows rows, size_t first_row, size_t left) {
  lf_row_block block = {.count = left < SIDE_ROWS ? left : SIDE_ROWS};
  UNROLL_ALL
  for (size_t r = 0; r < SIDE_ROWS; r++) {
    block.index[r] = first_row + (r < block.count ? r : block.count - 1);
    block.row[r] = rows.data + block.index[r] * rows.ld;
  }
  return block;
}

#endif /* LF_LANE_SIMD128_H */
