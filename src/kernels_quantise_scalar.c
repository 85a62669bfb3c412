/* kernels_quantise_scalar.c - from floats to 8 bits, the reference, order for order what kernels_quantise_simd128.c does */
#include "kernels.h"
#include "lane_scalar.h"

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

/* Output j of `out`: its values are `stride` floats apart. */
static void quantise_output(lf_quantised_panels out, size_t j, const float *in, size_t stride) {
  float largest = 0.0f;
  float poison = 0.0f; /* a NaN or an infinity must not be lost */
  for (size_t i = 0; i < out.n_in; i++) {
    const float value = in[i * stride];
    const float magnitude = value < 0.0f ? -value : value;
    largest = largest < magnitude ? magnitude : largest;
    poison = poison + (value - value);
  }
  const float scale = lf_weight_scale(largest) + poison;
  int32_t sum = 0;
  for (size_t i = 0; i < lf_pad_group(out.n_in); i++) {
    const int8_t value = i < out.n_in ? lf_quantise_weight(in[i * stride], scale) : 0;
    out.data[lf_quantised_index(out.panel_stride, j, i)] = value;
    sum += value;
  }
  out.scale[j] = scale;
  out.sum[j] = (float)sum;
}

void lf_quantise_weights(lf_quantised_panels out, size_t first, lf_rows in, size_t rows) {
  for (size_t r = 0; r < rows; r++) quantise_output(out, first + r, in.data + r * in.ld, 1);
}

void lf_quantise_weight_columns(lf_quantised_panels out, lf_rows in) {
  for (size_t j = 0; j < out.n_out; j++) quantise_output(out, j, in.data + j, in.ld);
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
