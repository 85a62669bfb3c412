/* lane_scalar.h - one float, for the two files of reference kernels (internal to them); lane_simd128.h has four */
#ifndef LF_LANE_SCALAR_H
#define LF_LANE_SCALAR_H

#include <string.h>

#include "kernels.h"

/* One lane. */
typedef float lf_lane;

static inline lf_lane multiply_add(lf_lane acc, lf_lane a, lf_lane b) { return acc + a * b; }

/* y 2^j, with j the low bits of `shifted`. */
static inline lf_lane scale_by_power(lf_lane y, lf_lane shifted) {
  uint32_t bits;
  memcpy(&bits, &y, sizeof bits);
  uint32_t exponent;
  memcpy(&exponent, &shifted, sizeof exponent);
  bits += exponent << 23;
  memcpy(&y, &bits, sizeof y);
  return y;
}

/* exp by Cody and Waite's reduction: x = j ln 2 + r with j whole and |r| <= ln 2 / 2, exp(x) = 2^j exp(r). Adding LF_ROUND
 * rounds x / ln 2 to j and leaves j in the low bits of the sum, ready to be added to an exponent. The caller keeps x at
 * LF_EXP_HIGHEST or below, where the result is finite. */
static inline lf_lane lf_exp(lf_lane x) {
  x = x < LF_EXP_LOWEST ? LF_EXP_LOWEST : x;
  const lf_lane shifted = multiply_add(LF_ROUND, x, LF_LOG2_E);
  const lf_lane j = shifted - LF_ROUND;
  lf_lane r = multiply_add(x, j, LF_LN2_HIGH);
  r = multiply_add(r, j, LF_LN2_LOW);
  lf_lane y = multiply_add(LF_EXP_4, LF_EXP_5, r);
  y = multiply_add(LF_EXP_3, y, r);
  y = multiply_add(LF_EXP_2, y, r);
  y = multiply_add(LF_EXP_1, y, r);
  y = multiply_add(1.0f, y, r);
  return scale_by_power(y, shifted);
}

/* exp for values that are quantised next: 2^j p(f), with x / ln 2 = j + f, j whole and |f| <= 1/2. Range as lf_exp. */
static inline lf_lane coarse_exp(lf_lane x) {
  x = x < LF_EXP_LOWEST ? LF_EXP_LOWEST : x;
  const lf_lane shifted = multiply_add(LF_ROUND, x, LF_LOG2_E);
  const lf_lane f = multiply_add(LF_ROUND - shifted, x, LF_LOG2_E);
  lf_lane y = multiply_add(LF_COARSE_EXP_2, LF_COARSE_EXP_3, f);
  y = multiply_add(LF_COARSE_EXP_1, y, f);
  y = multiply_add(1.0f, y, f);
  return scale_by_power(y, shifted);
}

/* gelu(x) = x / (1 + exp(this)). */
static inline lf_lane gelu_exponent(lf_lane x) {
  const lf_lane u = x * multiply_add(LF_GELU_A, x * x, LF_GELU_B);
  return LF_EXP_HIGHEST < u ? LF_EXP_HIGHEST : u;
}

/* The four partials of a sum. */
static inline float combine(const float partial[4]) { return (partial[0] + partial[1]) + (partial[2] + partial[3]); }

/* Row r of a softmax learns of a maximum that may be larger: what it has so far becomes relative to that. */
static inline void raise_max(lf_softmax state, size_t r, float max) {
  if (state.sum[r] != 0.0f) {
    const float correction = lf_exp(state.max[r] - max);
    state.sum[r] = state.sum[r] * correction;
    lf_scale(state.ctx.data + r * state.ctx.ld, correction, state.n_ctx);
  }
  state.max[r] = max;
}

#endif /* LF_LANE_SCALAR_H */
