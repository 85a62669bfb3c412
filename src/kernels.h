/* kernels.h - the arithmetic of the engine: what every kernel computes, in which order
 *
 * Two sets of files implement this header, and the build links one of them: kernels_scalar.c, kernels_int8_scalar.c and
 * kernels_quantise_scalar.c, the reference, or the same with simd128 for WebAssembly. They give the same bits. What makes
 * that possible:
 *
 * - The vectorised axis is never the reduced axis. In lf_gemm the lanes are outputs and the input is splat, so each
 *   lane repeats the scalar loop's order: products are added one at a time, first input first.
 * - The reductions along a row (LayerNorm's sums, softmax's maximum and sum) have four interleaved partials: element i
 *   goes to partial i % 4, and they combine as (s0 + s1) + (s2 + s3).
 * - A multiply and an add round twice (compile with -ffp-contract=off), and exp is this project's own.
 *
 * The relaxed build differs in one thing: its multiply-add may round once. Its results differ in the last bits.
 *
 * Arguments come in this order: outputs, inputs, weights, flags, sizes. Kernels write whole groups of LF_LANES, so a row has
 * room for that many more, and what lies in its padding is not defined and never enters a result. Buffers do not overlap
 * unless a kernel says that it works in place.
 */
#ifndef LF_KERNELS_H
#define LF_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "constants.h"

enum { LF_LANES = 8 };

/* Smallest multiple of LF_LANES that is >= n. */
static inline size_t lf_pad(size_t n) { return (n + LF_LANES - 1) / LF_LANES * LF_LANES; }

/* Rows of activations: element (r, i) is data[r * ld + i]. `ld` is at least the row's length, padded. */
typedef struct lf_rows {
  float *data;
  size_t ld;
} lf_rows;

/* The same rows from row `row` and column `column` on. */
static inline lf_rows lf_rows_at(lf_rows rows, size_t row, size_t column) {
  return (lf_rows){.data = rows.data + row * rows.ld + column, .ld = rows.ld};
}

/* A matrix [n_in, n_out] in panels of LF_LANES columns: element (i, j) is
 * data[j / LF_LANES * panel_stride + i * row_stride + j % LF_LANES].
 * Packed weights have panel_stride = n_in * LF_LANES and row_stride = LF_LANES; a row-major matrix of activations
 * has panel_stride = LF_LANES and row_stride = ld. */
typedef struct lf_panels {
  const float *data;
  size_t panel_stride, row_stride;
  size_t n_in, n_out;
} lf_panels;

/* What a product does to what is in its output: out = product, or out = out + product. */
typedef enum lf_mode { LF_SET = 0, LF_ADD = 1 } lf_mode;

/* out = in w + bias, or out += in w + bias. A bias of NULL is zero.
 *   out [rows, n_out], in [rows, n_in], w [n_in, n_out], bias [lf_pad(n_out)]
 * Order for each element: acc = (LF_ADD ? out : 0) + bias; then acc = acc + in[i] * w[i], i ascending. */
void lf_gemm(lf_rows out, lf_rows in, lf_panels w, const float *bias, lf_mode mode, size_t rows);

/* ---- 8 bits ----
 *
 * Weights are scale[j] * quantised value, -128 .. 127, with a scale for each output. Activations are
 * offset[r] + scale[r] * quantised value, 0 .. 127, with a scale and an offset for each row: seven bits, so that a sum of
 * two products fits 16 bits, which lets relaxed SIMD's dot product give the same integers on every machine. Sums of up to
 * 2^17 products fit 32 bits, so they are exact in any order. */
enum { LF_GROUP = 4 };

/* Smallest multiple of LF_GROUP that is >= n. */
static inline size_t lf_pad_group(size_t n) { return (n + LF_GROUP - 1) / LF_GROUP * LF_GROUP; }

/* Quantised rows of activations [rows, n]: element (r, i) stands for offset[r] + scale[r] * data[r * ld + i]. Each row is
 * filled up with zeros to lf_pad_group(n). */
typedef struct lf_quantised_rows {
  uint8_t *data;
  size_t ld; /* in bytes */
  float *scale;
  float *offset; /* NULL: zero */
} lf_quantised_rows;

/* A quantised matrix [n_in, n_out] in panels of LF_LANES columns whose inputs lie in groups of LF_GROUP. What fills up the
 * last group and the last panel is zero. */
typedef struct lf_quantised_panels {
  int8_t *data;        /* [panels, n_in / LF_GROUP, LF_LANES, LF_GROUP] */
  float *scale;        /* [lf_pad(n_out)] */
  float *sum;          /* [lf_pad(n_out)] sum over i of the quantised values (i, j), a whole number */
  size_t panel_stride; /* bytes of a panel: lf_pad_group(n_in) * LF_LANES */
  size_t n_in, n_out;
} lf_quantised_panels;

/* Index of input i and output j in `data`. */
static inline size_t lf_quantised_index(size_t panel_stride, size_t j, size_t i) {
  return j / LF_LANES * panel_stride + (i / LF_GROUP * LF_LANES + j % LF_LANES) * LF_GROUP + i % LF_GROUP;
}

/* Scale of weights whose largest magnitude this is; 0 where it would be so small that a ratio to it may pass 127. */
static inline float lf_weight_scale(float largest) {
  const float scale = largest / (float)LF_QUANTISED_MAX;
  return scale < LF_LEAST_RANGE ? 0.0f : scale;
}

/* The whole number nearest to value / scale, for |value| <= 127 scale; ties to even. */
static inline int8_t lf_quantise_weight(float value, float scale) {
  const float ratio = scale > 0.0f ? value / scale : 0.0f;
  return (int8_t)((ratio + LF_ROUND) - LF_ROUND);
}

/* Each row: offset = its minimum, scale = (maximum - offset) / 127, quantised = (in - offset) * (1 / scale) to the
 * nearest, ties to even; 0 in a row whose range is below 1e-30. A row with a NaN or an infinity gets a scale of NaN, so
 * that nothing is hidden.
 *   out, in [rows, n] */
void lf_quantise(lf_quantised_rows out, lf_rows in, size_t rows, size_t n);

/* The same for each column of a matrix, transposed: as lf_quantise of the transposed matrix.
 *   out [n, rows] with room for lf_pad(n) rows, in [rows, n] */
void lf_quantise_columns(lf_quantised_rows out, lf_rows in, size_t rows, size_t n);

/* Rows of activations become outputs of a quantised matrix, as the keys are: row r is output first + r. Each has a scale of its
 * own, lf_weight_scale of its largest magnitude, which is NaN with a NaN or an infinity; see lf_quantise_weight. Outputs are
 * written in fours, so what comes after the last one is not defined.
 *   out [out.n_in, more than first + rows], in [rows, out.n_in]; first is a multiple of LF_LANES */
void lf_quantise_weights(lf_quantised_panels out, size_t first, lf_rows in, size_t rows);

/* The same for columns of activations, as the values are: column j is output j.
 *   out [out.n_in, out.n_out], in [out.n_in, out.n_out] */
void lf_quantise_weight_columns(lf_quantised_panels out, lf_rows in);

/* x = gelu(x) in place, the formula of lf_gelu, and the result quantised as lf_quantise does it. The exp is the coarser
 * one: its relative error of 1.1e-4 is forty times less than half a quantised step.
 *   out, x [rows, n] */
void lf_gelu_quantise(lf_quantised_rows out, lf_rows x, size_t rows, size_t n);

/* out = in w + bias, or out += in w + bias. A bias of NULL is zero.
 *   out [rows, n_out], in [rows, n_in], w [n_in, n_out], bias [lf_pad(n_out)]
 * Order for each element: dot = exact sum of the quantised products; y = float(dot) * in.scale, and + in.offset * w.sum if
 * there is an offset; out = (LF_ADD ? out + bias : bias) + y * w.scale. */
void lf_gemm_int8(lf_rows out, lf_quantised_rows in, lf_quantised_panels w, const float *bias, lf_mode mode,
                  size_t rows);

/* ---- along a row ---- */

/* out = (in - mean) / sqrt(variance + 1e-5) * gain + bias for each row; variance about the mean, divided by d.
 *   out, in [rows, d], gain and bias [lf_pad(d)]
 * Order: mean = sum / d; variance = sum of (in - mean)^2 / d; y = (in - mean) * (1 / sqrt(variance + 1e-5));
 * out = bias + y * gain. A variance that is not finite gives NaN.
 * Ba et al., "Layer Normalization", arXiv 1607.06450. */
void lf_layer_norm(lf_rows out, lf_rows in, const float *gain, const float *bias, size_t rows, size_t d);

/* x = gelu(x) in place, the tanh form: x / (1 + exp(u)), u = x (a + b x^2), a = -2 sqrt(2 / pi), b = 0.044715 a.
 *   x [rows, n]. Absolute error below 1e-6 for |x| <= 10, against the same formula in float64.
 * Hendrycks and Gimpel, "Gaussian Error Linear Units", arXiv 1606.08415. */
void lf_gelu(lf_rows x, size_t rows, size_t n);

/* A softmax that sees its scores in blocks. Starts with max = -infinity, sum = 0 and ctx = 0; after the last block ctx is to
 * be divided by sum. */
typedef struct lf_softmax {
  float *max;  /* [rows] largest score so far */
  float *sum;  /* [rows] of the numerators so far, exp(score - max) */
  lf_rows ctx; /* [rows, n_ctx] sum of numerator * value so far */
  size_t n_ctx;
} lf_softmax;

/* One block of scores. For each row r:
 *   m = max(max[r], max of scores[r]);  correction = exp(max[r] - m);
 *   scores[r] = exp(scores[r] - m)  (in place: the numerators of the probabilities);
 *   sum[r] = sum[r] * correction + sum of scores[r];  ctx[r] *= correction;  max[r] = m
 * A sum of 0 is the first block: then nothing is corrected.
 *   scores [rows, n]
 * Milakov and Gimelshein, "Online normalizer calculation for softmax", arXiv 1805.02867. exp: see lf_exp in the
 * kernels; relative error below 3e-7 on [-87, 88], smaller arguments count as -87. */
void lf_softmax_block(lf_rows scores, lf_softmax state, size_t rows, size_t n);

/* The same, but the numerators come out quantised, and what is summed are their rounded values, so that the shares of a row
 * still add up to 1. For each row r:
 *   top = max of scores[r];  m = max(max[r], top);  correction = exp(max[r] - m);  scale = exp(top - m) / 127;
 *   quantised = 127 exp(scores[r] - top), with the coarser exp, to the nearest;
 *   sum[r] = sum[r] * correction + scale * sum of the quantised;  ctx[r] *= correction;  max[r] = m
 * A numerator is scale[r] * quantised; out.offset is not used. A row with a NaN or an infinity gets a scale of NaN.
 *   out, scores [rows, n] */
void lf_softmax_quantise(lf_quantised_rows out, lf_rows scores, lf_softmax state, size_t rows, size_t n);

/* out[r] = in[r] / sum[r], as a product with the reciprocal; exactly n floats of a row are written.
 *   out, in [rows, n], sum [rows] */
void lf_divide_rows(lf_rows out, lf_rows in, const float *sum, size_t rows, size_t n);

/* ---- elementwise over n floats, each rounded once for each operation ---- */

void lf_add(float *out, const float *in, size_t n);                         /* out = out + in */
void lf_max(float *out, const float *in, size_t n);                         /* out = out < in ? in : out */
void lf_multiply_add(float *out, const float *a, const float *b, size_t n); /* out = out + a * b */
void lf_scale(float *out, float factor, size_t n);                          /* out = out * factor */

/* x = exp(clamp(x, -20, 20)) in place, for n floats. */
void lf_importance(float *x, size_t n);

/* Widening of stored weights, n values: exact for F16, one rounding for I8. Any alignment. */
void lf_widen_f16(float *out, const uint16_t *in, size_t n);
void lf_widen_i8(float *out, const int8_t *in, float scale, size_t n); /* out = in * scale */

#endif /* LF_KERNELS_H */
