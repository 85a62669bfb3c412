/* lane_simd128.h - four floats at once, for the two files of WebAssembly SIMD kernels (internal to them)
 *
 * Built with LF_RELAXED the multiply-add is relaxed SIMD's, which fuses where the machine does. */
#ifndef LF_LANE_SIMD128_H
#define LF_LANE_SIMD128_H

#include <wasm_simd128.h>

/* Before a loop whose count is constant: its turns are written out, so that arrays become registers. Nothing else is
 * unrolled, see the Makefile. */
#define UNROLL_ALL _Pragma("clang loop unroll(full)")

/* Four lanes. */
typedef v128_t lf_lane;

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
  const float *place = &value;
  __asm__("" : "+r"(place) : : "memory");
  return wasm_v128_load32_splat(place);
}

/* exp by Cody and Waite's reduction: see kernels_scalar.c. pmax is its comparison, bit for bit. */
typedef struct lf_exp_constants {
  lf_lane low, rate, shift, ln2_hi, ln2_lo, c5, c4, c3, c2, c1, c0;
} lf_exp_constants;

static inline lf_exp_constants exp_constants(void) {
  return (lf_exp_constants){
      .low = constant(-87.0f),
      .rate = constant(1.44269504088896341f),
      .shift = constant(12582912.0f),
      .ln2_hi = constant(-0.693359375f),
      .ln2_lo = constant(2.12194440e-4f),
      .c5 = constant(8.297655e-3f),
      .c4 = constant(4.1915383e-2f),
      .c3 = constant(1.6667575e-1f),
      .c2 = constant(4.9998894e-1f),
      .c1 = constant(9.999997e-1f),
      .c0 = constant(1.0f),
  };
}

static inline lf_lane lf_exp(lf_lane x, const lf_exp_constants *k) {
  x = wasm_f32x4_pmax(x, k->low);
  const lf_lane shifted = multiply_add(k->shift, x, k->rate);
  const lf_lane j = wasm_f32x4_sub(shifted, k->shift);
  lf_lane r = multiply_add(x, j, k->ln2_hi);
  r = multiply_add(r, j, k->ln2_lo);
  lf_lane y = multiply_add(k->c4, k->c5, r);
  y = multiply_add(k->c3, y, r);
  y = multiply_add(k->c2, y, r);
  y = multiply_add(k->c1, y, r);
  y = multiply_add(k->c0, y, r);
  return wasm_i32x4_add(y, wasm_i32x4_shl(shifted, 23));
}

/* exp for values that become codes: see lane_scalar.h. */
typedef struct lf_coarse_exp_constants {
  lf_lane low, rate, shift, c3, c2, c1, c0;
} lf_coarse_exp_constants;

static inline lf_coarse_exp_constants coarse_exp_constants(void) {
  return (lf_coarse_exp_constants){
      .low = constant(-87.0f),
      .rate = constant(1.44269504088896341f),
      .shift = constant(12582912.0f),
      .c3 = constant(5.500892e-2f),
      .c2 = constant(2.4221095e-1f),
      .c1 = constant(6.932829e-1f),
      .c0 = constant(1.0f),
  };
}

static inline lf_lane coarse_exp(lf_lane x, const lf_coarse_exp_constants *k) {
  const lf_lane t = wasm_f32x4_mul(wasm_f32x4_pmax(x, k->low), k->rate);
  const lf_lane shifted = wasm_f32x4_add(t, k->shift);
  const lf_lane f = wasm_f32x4_sub(t, wasm_f32x4_sub(shifted, k->shift));
  lf_lane y = multiply_add(k->c2, k->c3, f);
  y = multiply_add(k->c1, y, f);
  y = multiply_add(k->c0, y, f);
  return wasm_i32x4_add(y, wasm_i32x4_shl(shifted, 23));
}

/* The four partials of a sum. */
static inline float combine(const float partial[4]) { return (partial[0] + partial[1]) + (partial[2] + partial[3]); }

/* Rows of the next block of `left` rows: as many as a block has, or else 2 or 1, so that the code stays small. */
static inline size_t next_rows(size_t left, size_t block) {
  if (left >= block) return block;
  return left >= 2 ? 2 : 1;
}

#endif /* LF_LANE_SIMD128_H */
