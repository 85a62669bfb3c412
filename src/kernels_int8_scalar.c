/* kernels_int8_scalar.c - the reference kernels of 8 bits, order for order what kernels_int8_simd128.c does */
#include "kernels.h"
#include "lane_scalar.h"

void lf_gemm_int8(lf_rows out, lf_quantised_rows in, lf_quantised_panels w, const float *bias, lf_mode mode,
                  size_t rows) {
  for (size_t j = 0; j < lf_pad(w.n_out); j++) {
    for (size_t r = 0; r < rows; r++) {
      const uint8_t *row = in.data + r * in.ld;
      float *to = out.data + r * out.ld + j;
      int32_t dot = 0;
      for (size_t i = 0; i < w.n_in; i++) {
        dot += (int32_t)row[i] * (int32_t)w.data[lf_quantised_index(w.panel_stride, j, i)];
      }
      lf_lane acc = mode == LF_ADD ? *to : 0.0f;
      if (bias != NULL) acc = acc + bias[j];
      lf_lane y = (float)dot * in.scale[r];
      if (in.offset != NULL) y = multiply_add(y, in.offset[r], w.sum[j]);
      *to = multiply_add(acc, y, w.scale[j]);
    }
  }
}

/* What quantising needs to know of some values: the least and the most of them, and a zero that is NaN if one of them is
 * not finite. */
typedef struct lf_range {
  float least, most, poison;
} lf_range;

static lf_range widen_range(lf_range range, float v) {
  return (lf_range){.least = v < range.least ? v : range.least,
                    .most = range.most < v ? v : range.most,
                    .poison = range.poison + (v - v)};
}

/* From a value to its quantised one: (value - offset) * rate; and back: offset + scale * quantised. */
typedef struct lf_quantiser {
  float offset, rate, scale;
} lf_quantiser;

static lf_quantiser quantiser_of(lf_range range) {
  const float width = (range.most - range.least) + range.poison;
  const float most = (float)LF_QUANTISED_MAX;
  return (lf_quantiser){
      .offset = range.least, .rate = width > LF_LEAST_RANGE ? most / width : 0.0f, .scale = width / most};
}

/* value * rate to the nearest whole number, of 7 bits. */
static uint8_t round_product(float value, float rate) {
  const lf_lane shifted = multiply_add(LF_ROUND, value, rate);
  uint32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  return (uint8_t)(bits & LF_QUANTISED_MAX);
}

/* Row r of `out`: n values, `stride` floats apart, in the range `range`. */
static void quantise(lf_quantised_rows out, size_t r, const float *in, size_t stride, lf_range range, size_t n) {
  const lf_quantiser q = quantiser_of(range);
  uint8_t *to = out.data + r * out.ld;
  out.scale[r] = q.scale;
  out.offset[r] = q.offset;
  for (size_t i = 0; i < n; i++) to[i] = round_product(in[i * stride] - q.offset, q.rate);
  for (size_t i = n; i < lf_pad_group(n); i++) to[i] = 0;
}

void lf_quantise(lf_quantised_rows out, lf_rows in, size_t rows, size_t n) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = in.data + r * in.ld;
    lf_range range = {.least = row[0], .most = row[0]};
    for (size_t i = 0; i < n; i++) range = widen_range(range, row[i]);
    quantise(out, r, row, 1, range, n);
  }
}

void lf_quantise_columns(lf_quantised_rows out, lf_rows in, size_t rows, size_t n) {
  for (size_t c = 0; c < n; c++) {
    const float *column = in.data + c;
    lf_range range = {.least = column[0], .most = column[0]};
    for (size_t r = 0; r < rows; r++) range = widen_range(range, column[r * in.ld]);
    quantise(out, c, column, in.ld, range, rows);
  }
}

void lf_gelu_quantise(lf_quantised_rows out, lf_rows x, size_t rows, size_t n) {
  for (size_t r = 0; r < rows; r++) {
    float *row = x.data + r * x.ld;
    for (size_t i = 0; i < n; i++) row[i] = row[i] / (1.0f + coarse_exp(gelu_exponent(row[i])));
  }
  lf_quantise(out, x, rows, n);
}

void lf_softmax_quantise(lf_quantised_rows out, lf_rows scores, lf_softmax state, size_t rows, size_t n) {
  const float most = (float)LF_QUANTISED_MAX;
  for (size_t r = 0; r < rows; r++) {
    const float *row = scores.data + r * scores.ld;
    uint8_t *to = out.data + r * out.ld;
    lf_range range = {.least = row[0], .most = row[0]};
    for (size_t i = 0; i < n; i++) range = widen_range(range, row[i]);
    uint32_t total = 0;
    for (size_t i = 0; i < n; i++) {
      to[i] = round_product(coarse_exp(row[i] - range.most), most);
      total += to[i];
    }
    for (size_t i = n; i < lf_pad_group(n); i++) to[i] = 0;

    const float max = state.max[r] < range.most ? range.most : state.max[r];
    raise_max(state, r, max);
    out.scale[r] = lf_exp(range.most - max) / most + range.poison;
    state.sum[r] = state.sum[r] + out.scale[r] * (float)total;
  }
}
