/* lane_scalar.h - one float, for the two files of reference kernels (internal to them); lane_simd128.h has four */
#ifndef LF_LANE_SCALAR_H
#define LF_LANE_SCALAR_H

#include <string.h>

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

/* exp by Cody and Waite's reduction: x = j ln 2 + r with j whole and |r| <= ln 2 / 2, exp(x) = 2^j exp(r).
 * Adding 1.5 * 2^23 rounds x / ln 2 to j and leaves j in the low bits of the sum, ready to be added to an exponent.
 * ln 2 is split in two so that j * 0.693359375 is exact for |j| < 2^15. exp(r) is the minimax polynomial of degree 5 for
 * the relative error (Remez), its constant term set to 1. x is clamped to -87 from below, where the result is a normal
 * number still; the caller keeps it at 88 or below, where it is finite. */
static inline lf_lane lf_exp(lf_lane x) {
  x = x < -87.0f ? -87.0f : x;
  const lf_lane shifted = multiply_add(12582912.0f, x, 1.44269504088896341f);
  const lf_lane j = shifted - 12582912.0f;
  lf_lane r = multiply_add(x, j, -0.693359375f);
  r = multiply_add(r, j, 2.12194440e-4f);
  lf_lane y = multiply_add(4.1915383e-2f, 8.297655e-3f, r);
  y = multiply_add(1.6667575e-1f, y, r);
  y = multiply_add(4.9998894e-1f, y, r);
  y = multiply_add(9.999997e-1f, y, r);
  y = multiply_add(1.0f, y, r);
  return scale_by_power(y, shifted);
}

/* exp for values that become codes, relative error below 1.1e-4: 2^j p(f), with x / ln 2 = j + f, j whole and |f| <= 1/2.
 * p is the minimax polynomial of degree 3 for the relative error of 2^f, its constant term set to 1. Range as lf_exp. */
static inline lf_lane coarse_exp(lf_lane x) {
  const lf_lane t = (x < -87.0f ? -87.0f : x) * 1.44269504088896341f;
  const lf_lane shifted = t + 12582912.0f;
  const lf_lane f = t - (shifted - 12582912.0f);
  lf_lane y = multiply_add(2.4221095e-1f, 5.500892e-2f, f);
  y = multiply_add(6.932829e-1f, y, f);
  y = multiply_add(1.0f, y, f);
  return scale_by_power(y, shifted);
}

#endif /* LF_LANE_SCALAR_H */
