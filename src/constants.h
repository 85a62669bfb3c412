/* constants.h - numbers that the scalar and the SIMD kernels compute with; each has its one home here (internal) */
#ifndef LF_CONSTANTS_H
#define LF_CONSTANTS_H

/* 1.5 * 2^23. A sum of this and a value of magnitude below 2^22 has no room for a fraction: it is rounded to the nearest
 * whole number, ties to even, which lies in the low bits of the sum and is what is left once this is subtracted again. */
#define LF_ROUND 12582912.0f

/* Largest value of 7 bits, and of 8 bits with a sign. */
#define LF_QUANTISED_MAX 127

/* A range or a scale below this counts as zero: its reciprocal would be too coarse, or not finite. */
#define LF_LEAST_RANGE 1e-30f

/* exp(x) = 2^j exp(r), x = j ln 2 + r. Smaller arguments count as -87, where the result is a normal number still. -ln 2 is
 * split in two so that j * LF_LN2_HIGH is exact for |j| < 2^15. exp(r) is the minimax polynomial of degree 5 for the relative
 * error on |r| <= ln 2 / 2 (Remez), its constant term set to 1. */
#define LF_EXP_LOWEST (-87.0f)
#define LF_LOG2_E     1.44269504088896341f
#define LF_LN2_HIGH   (-0.693359375f)
#define LF_LN2_LOW    2.12194440e-4f
#define LF_EXP_5      8.297655e-3f
#define LF_EXP_4      4.1915383e-2f
#define LF_EXP_3      1.6667575e-1f
#define LF_EXP_2      4.9998894e-1f
#define LF_EXP_1      9.999997e-1f

/* The coarser exp of values that are quantised next: 2^f on |f| <= 1/2 by the minimax polynomial of degree 3 for the relative
 * error, its constant term set to 1. Relative error below 1.1e-4. */
#define LF_COARSE_EXP_3 5.500892e-2f
#define LF_COARSE_EXP_2 2.4221095e-1f
#define LF_COARSE_EXP_1 6.932829e-1f

/* gelu(x) = x / (1 + exp(u)), u = x (a + b x^2), a = -2 sqrt(2 / pi), b = 0.044715 a; u above LF_EXP_HIGHEST counts as that. */
#define LF_GELU_A      (-1.5957691216057308f)
#define LF_GELU_B      (-0.07135481627f)
#define LF_EXP_HIGHEST 88.0f

/* The logarithm of a token's importance is kept within these. */
#define LF_IMPORTANCE_LIMIT 20.0f

/* Added to the variance in LayerNorm. */
#define LF_NORM_EPSILON 1e-5f

#endif /* LF_CONSTANTS_H */
