/* kernels.h - the arithmetic of the engine: what every kernel computes, in which order
 *
 * Two pairs of files implement this header, and the build links one of them: kernels_scalar.c and
 * kernels_codes_scalar.c, the reference, or kernels_simd128.c and kernels_codes_simd128.c for WebAssembly. They give the
 * same bits. What makes that possible:
 *
 * - The vectorised axis is never the reduced axis. In lf_gemm the lanes are outputs and the input is splat, so each
 *   lane repeats the scalar loop's order: products are added one at a time, first input first.
 * - The reductions along a row (LayerNorm's sums, softmax's maximum and sum) have four interleaved partials: element i
 *   goes to partial i % 4, and they combine as (s0 + s1) + (s2 + s3).
 * - A multiply and an add round twice (compile with -ffp-contract=off), and exp is this project's own.
 *
 * The relaxed build differs in one thing: its multiply-add may round once. Its results differ in the last bits.
 *
 * Layout. Matrices of activations are row-major; `ld` is the distance between rows in floats, at least the row's
 * length rounded up to LF_LANES. Kernels write whole groups of LF_LANES, so what lies in a row's padding is not
 * defined, and never enters a result. Buffers do not overlap unless a kernel says that it works in place.
 */
#ifndef LF_KERNELS_H
#define LF_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum { LF_LANES = 8 };

/* Smallest multiple of LF_LANES that is >= n. */
static inline size_t lf_pad(size_t n) { return (n + LF_LANES - 1) / LF_LANES * LF_LANES; }

/* A matrix [n_in, n_out] in panels of LF_LANES columns: element (i, j) is
 * data[j / LF_LANES * panel_stride + i * row_stride + j % LF_LANES].
 * Packed weights have panel_stride = n_in * LF_LANES and row_stride = LF_LANES; a row-major matrix of activations
 * has panel_stride = LF_LANES and row_stride = ld. */
typedef struct lf_panels {
  const float *data;
  size_t panel_stride;
  size_t row_stride;
} lf_panels;

/* out = in w + bias, or out += in w + bias if `accumulate`. A bias of NULL is zero.
 *   out [rows, n_out] ld_out, in [rows, n_in] ld_in, w [n_in, n_out], bias [lf_pad(n_out)]
 * Order for each element: acc = (accumulate ? out : 0) + bias; then acc = acc + in[i] * w[i], i ascending. */
void lf_gemm(float *out, size_t ld_out, const float *in, size_t ld_in, lf_panels w, const float *bias, int accumulate,
             size_t rows, size_t n_in, size_t n_out);

/* ---- 8 bits ----
 *
 * A quantised matrix [n_in, n_out]: element (i, j) is scale[j] * code, codes -128 .. 127, in panels of LF_LANES columns
 * whose inputs lie in groups of LF_GROUP; what fills up the last group and the last panel is zero. Rows of activations
 * are low[r] + step[r] * code with codes 0 .. 127: seven bits, so that a sum of two products fits 16 bits, which lets
 * relaxed SIMD's dot product give the same integers on every machine. Sums of up to 2^17 products fit 32 bits, so they
 * are exact in any order. */
enum { LF_GROUP = 4 };

typedef struct lf_codes {
  int8_t *data;        /* [panels, n_in / LF_GROUP, LF_LANES, LF_GROUP] */
  float *scale;        /* [lf_pad(n_out)] */
  float *sum;          /* [lf_pad(n_out)] sum over i of code (i, j), a whole number */
  size_t panel_stride; /* bytes of a panel: lf_pad_group(n_in) * LF_LANES */
} lf_codes;

/* Smallest multiple of LF_GROUP that is >= n. */
static inline size_t lf_pad_group(size_t n) { return (n + LF_GROUP - 1) / LF_GROUP * LF_GROUP; }

/* Where the code of input i and output j lies. */
static inline size_t lf_code_place(size_t panel_stride, size_t j, size_t i) {
  return j / LF_LANES * panel_stride + (i / LF_GROUP * LF_LANES + j % LF_LANES) * LF_GROUP + i % LF_GROUP;
}

/* Scale of codes for magnitudes up to `largest`; 0 where it would be so small that a ratio to it may pass 127. */
static inline float lf_code_scale(float largest) {
  const float scale = largest / 127.0f;
  return scale < 1e-30f ? 0.0f : scale;
}

/* The whole number nearest to value / scale, for |value| <= 127 scale; ties to even. */
static inline int8_t lf_code(float value, float scale) {
  const float ratio = scale > 0.0f ? value / scale : 0.0f;
  return (int8_t)((ratio + 12582912.0f) - 12582912.0f); /* 1.5 * 2^23: the sum has no room for a fraction */
}

/* Codes of each row: low = its minimum, step = (maximum - low) / 127, code = (in - low) * (1 / step) to the nearest,
 * ties to even; 0 in a row whose range is below 1e-30. A row with a NaN or an infinity gets a step of NaN, so that nothing is hidden.
 *   codes [rows, n] ld_codes bytes, filled up with zeros to lf_pad_group(n); step, low [rows]; in [rows, n] ld_in */
void lf_quantise(uint8_t *codes, size_t ld_codes, float *step, float *low, const float *in, size_t ld_in, size_t rows,
                 size_t n);

/* The same for each column of a matrix, and the codes transposed: as lf_quantise of the transposed matrix.
 *   codes [n, rows] ld_codes bytes, room for lf_pad(n) rows, each filled up with zeros to lf_pad_group(rows);
 *   step, low [lf_pad(n)]; in [rows, n] ld_in */
void lf_quantise_columns(uint8_t *codes, size_t ld_codes, float *step, float *low, const float *in, size_t ld_in,
                         size_t rows, size_t n);

/* x = gelu(x) in place, the formula of lf_gelu, and its codes as lf_quantise makes them. The exp is a coarser one,
 * relative error below 1.1e-4: forty times less than half a step of the codes.
 *   codes, step and low as there; x [rows, n] ld */
void lf_gelu_quantise(uint8_t *codes, size_t ld_codes, float *step, float *low, float *x, size_t ld, size_t rows,
                      size_t n);

/* As lf_softmax_block, but the numerators come out as codes, and what is summed are their rounded values, so that the
 * shares of a row still add up to 1. For each row r:
 *   top = max of scores[r];  m = max(row_max[r], top);  correction = exp(row_max[r] - m);  step = exp(top - m) / 127;
 *   code = 127 exp(scores[r] - top), with the coarser exp, to the nearest;
 *   row_sum[r] = row_sum[r] * correction + step * sum of codes;  ctx[r] *= correction;  row_max[r] = m
 * A numerator is step[r] * code. A row with a NaN or an infinity gets a step of NaN.
 *   codes [rows, n] ld_codes bytes, filled up with zeros to lf_pad_group(n); step, row_max and row_sum [rows];
 *   scores [rows, n] ld; ctx [rows, n_ctx] ld_ctx */
void lf_softmax_quantise(uint8_t *codes, size_t ld_codes, float *step, const float *scores, size_t ld, float *row_max,
                         float *row_sum, float *ctx, size_t ld_ctx, size_t rows, size_t n, size_t n_ctx);

/* out = in w + bias, or out += in w + bias if `accumulate`. A bias of NULL is zero, and so is a `low` of NULL.
 *   out [rows, n_out] ld_out; codes [rows, n_in] ld_codes bytes; step, low [rows]; w [n_in, n_out]; bias [lf_pad(n_out)]
 * Order for each element: dot = exact sum of code * w code; y = float(dot) * step, and + low * sum if there is a low;
 * out = ((accumulate ? out : 0) + bias) + y * scale. */
void lf_gemm_codes(float *out, size_t ld_out, const uint8_t *codes, size_t ld_codes, const float *step,
                   const float *low, lf_codes w, const float *bias, int accumulate, size_t rows, size_t n_in,
                   size_t n_out);

/* out = (in - mean) / sqrt(variance + 1e-5) * gain + bias for each row; variance about the mean, divided by d.
 *   out, in [rows, d] ld, gain and bias [lf_pad(d)]
 * Order: mean = sum / d; variance = sum of (in - mean)^2 / d; y = (in - mean) * (1 / sqrt(variance + 1e-5));
 * out = bias + y * gain. A variance that is not finite gives NaN.
 * Ba et al., "Layer Normalization", arXiv 1607.06450. */
void lf_layer_norm(float *out, const float *in, const float *gain, const float *bias, size_t rows, size_t d, size_t ld);

/* x = gelu(x) in place, the tanh form: x / (1 + exp(u)), u = x (a + b x^2), a = -2 sqrt(2 / pi), b = 0.044715 a.
 *   x [rows, n] ld. Absolute error below 1e-6 for |x| <= 10, against the same formula in float64.
 * Hendrycks and Gimpel, "Gaussian Error Linear Units", arXiv 1606.08415. */
void lf_gelu(float *x, size_t rows, size_t n, size_t ld);

/* One block of keys of a softmax that sees them in blocks. For each row r:
 *   m = max(row_max[r], max of scores[r]);  correction = exp(row_max[r] - m);
 *   scores[r] = exp(scores[r] - m)  (in place: the numerators of the probabilities);
 *   row_sum[r] = row_sum[r] * correction + sum of scores[r];  ctx[r] *= correction;  row_max[r] = m
 * A row_sum of 0 is the first block: then nothing is corrected.
 * Start with row_max = -infinity, row_sum = 0 and ctx = 0; after the last block divide ctx by row_sum.
 *   scores [rows, n] ld, ctx [rows, n_ctx] ld_ctx, row_max and row_sum [rows]
 * Milakov and Gimelshein, "Online normalizer calculation for softmax", arXiv 1805.02867. exp: see lf_exp in the
 * kernels; relative error below 3e-7 on [-87, 88], smaller arguments count as -87. */
void lf_softmax_block(float *scores, size_t ld, float *row_max, float *row_sum, float *ctx, size_t ld_ctx, size_t rows,
                      size_t n, size_t n_ctx);

/* out[r] = in[r] / row_sum[r], as a product with the reciprocal; exactly n floats of a row are written.
 *   out [rows, n] ld_out, in [rows, n] ld_in */
void lf_divide_rows(float *out, size_t ld_out, const float *in, size_t ld_in, const float *row_sum, size_t rows,
                    size_t n);

/* Elementwise over n floats, each rounded once for each operation. */
void lf_add(float *out, const float *in, size_t n);                         /* out = out + in */
void lf_max(float *out, const float *in, size_t n);                         /* out = out < in ? in : out */
void lf_multiply_add(float *out, const float *a, const float *b, size_t n); /* out = out + a * b */
void lf_scale(float *out, float factor, size_t n);                          /* out = out * factor */

/* Widening of stored weights, n values: exact for F16, one rounding for I8. Any alignment. */
void lf_widen_f16(float *out, const uint16_t *in, size_t n);
void lf_widen_i8(float *out, const int8_t *in, float scale, size_t n); /* out = in * scale */

#endif /* LF_KERNELS_H */
