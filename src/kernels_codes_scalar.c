/* kernels_codes_scalar.c - the reference kernels of 8 bits, order for order what kernels_codes_simd128.c does */
#include "kernels.h"
#include "lane_scalar.h"

void lf_gemm_codes(float *out, size_t ld_out, const uint8_t *codes, size_t ld_codes, const float *step,
                   const float *low, lf_codes w, const float *bias, int accumulate, size_t rows, size_t n_in,
                   size_t n_out) {
  for (size_t j = 0; j < lf_pad(n_out); j++) {
    for (size_t r = 0; r < rows; r++) {
      int32_t dot = 0;
      for (size_t i = 0; i < n_in; i++) {
        dot += (int32_t)codes[r * ld_codes + i] * (int32_t)w.data[lf_code_place(w.panel_stride, j, i)];
      }
      lf_lane acc = accumulate ? out[r * ld_out + j] : 0.0f;
      if (bias != NULL) acc = acc + bias[j];
      lf_lane y = (float)dot * step[r];
      if (low != NULL) y = multiply_add(y, low[r], w.sum[j]);
      out[r * ld_out + j] = multiply_add(acc, y, w.scale[j]);
    }
  }
}

/* What codes of some values need: the least and the most of them, and a zero that is NaN if one of them is not finite. */
typedef struct lf_range {
  float least, most, poison;
} lf_range;

static lf_range widen_range(lf_range range, float v) {
  return (lf_range){.least = v < range.least ? v : range.least,
                    .most = range.most < v ? v : range.most,
                    .poison = range.poison + (v - v)};
}

/* How values become codes: (value - low) * rate, and back: low + step * code. */
typedef struct lf_scale_of_codes {
  float low, rate, step;
} lf_scale_of_codes;

static lf_scale_of_codes scale_of(lf_range range) {
  const float width = (range.most - range.least) + range.poison;
  return (lf_scale_of_codes){
      .low = range.least, .rate = width > 1e-30f ? 127.0f / width : 0.0f, .step = width / 127.0f};
}

/* value * rate to the nearest whole number, of 7 bits. */
static uint8_t code_of(float value, float rate) {
  const lf_lane shifted = multiply_add(12582912.0f, value, rate);
  uint32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  return (uint8_t)(bits & 0x7f);
}

/* The codes of `in`, `stride` floats apart, in the range `range`. */
static void quantise(uint8_t *codes, float *step, float *low, const float *in, size_t stride, lf_range range,
                     size_t n) {
  const lf_scale_of_codes scale = scale_of(range);
  *step = scale.step;
  *low = scale.low;
  for (size_t i = 0; i < n; i++) codes[i] = code_of(in[i * stride] - scale.low, scale.rate);
  for (size_t i = n; i < lf_pad_group(n); i++) codes[i] = 0;
}

void lf_quantise(uint8_t *codes, size_t ld_codes, float *step, float *low, const float *in, size_t ld_in, size_t rows,
                 size_t n) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = in + r * ld_in;
    lf_range range = {.least = row[0], .most = row[0]};
    for (size_t i = 0; i < n; i++) range = widen_range(range, row[i]);
    quantise(codes + r * ld_codes, step + r, low + r, row, 1, range, n);
  }
}

void lf_quantise_columns(uint8_t *codes, size_t ld_codes, float *step, float *low, const float *in, size_t ld_in,
                         size_t rows, size_t n) {
  for (size_t c = 0; c < n; c++) {
    lf_range range = {.least = in[c], .most = in[c]};
    for (size_t r = 0; r < rows; r++) range = widen_range(range, in[r * ld_in + c]);
    quantise(codes + c * ld_codes, step + c, low + c, in + c, ld_in, range, rows);
  }
}

void lf_gelu_quantise(uint8_t *codes, size_t ld_codes, float *step, float *low, float *x, size_t ld, size_t rows,
                      size_t n) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t i = 0; i < n; i++) {
      const lf_lane v = x[r * ld + i];
      lf_lane u = v * multiply_add(-1.5957691216057308f, v * v, -0.07135481627f);
      u = 88.0f < u ? 88.0f : u;
      x[r * ld + i] = v / (1.0f + coarse_exp(u));
    }
  }
  lf_quantise(codes, ld_codes, step, low, x, ld, rows, n);
}

void lf_softmax_quantise(uint8_t *codes, size_t ld_codes, float *step, const float *scores, size_t ld, float *row_max,
                         float *row_sum, float *ctx, size_t ld_ctx, size_t rows, size_t n, size_t n_ctx) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = scores + r * ld;
    uint8_t *to = codes + r * ld_codes;
    lf_range range = {.least = row[0], .most = row[0]};
    for (size_t i = 0; i < n; i++) range = widen_range(range, row[i]);
    uint32_t total = 0;
    for (size_t i = 0; i < n; i++) {
      to[i] = code_of(coarse_exp(row[i] - range.most), 127.0f);
      total += to[i];
    }
    for (size_t i = n; i < lf_pad_group(n); i++) to[i] = 0;

    const float m = row_max[r] < range.most ? range.most : row_max[r];
    if (row_sum[r] != 0.0f) {
      const float correction = lf_exp(row_max[r] - m);
      row_sum[r] = row_sum[r] * correction;
      lf_scale(ctx + r * ld_ctx, correction, n_ctx);
    }
    step[r] = lf_exp(range.most - m) / 127.0f + range.poison;
    row_sum[r] = row_sum[r] + step[r] * (float)total;
    row_max[r] = m;
  }
}
