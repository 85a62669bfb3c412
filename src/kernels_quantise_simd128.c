/* kernels_quantise_simd128.c - from floats to 8 bits for WebAssembly SIMD, order for order what kernels_quantise_scalar.c does */
#include <string.h>

#include "kernels.h"
#include "lane_simd128.h"

/* What quantising needs to know of some values: the least and the most of them, and a zero that is NaN if one of them is
 * not finite. */
typedef struct lf_range {
  lf_lane least, most, poison;
} lf_range;

static inline lf_range first_range(lf_lane v) {
  return (lf_range){.least = v, .most = v, .poison = wasm_f32x4_sub(v, v)};
}

static inline lf_range widen_range(lf_range range, lf_lane v) {
  return (lf_range){.least = wasm_f32x4_pmin(range.least, v),
                    .most = wasm_f32x4_pmax(range.most, v),
                    .poison = wasm_v128_or(range.poison, wasm_f32x4_sub(v, v))};
}

static inline lf_range join(lf_range a, lf_range b) {
  return (lf_range){.least = wasm_f32x4_pmin(a.least, b.least),
                    .most = wasm_f32x4_pmax(a.most, b.most),
                    .poison = wasm_v128_or(a.poison, b.poison)};
}

/* The joint range of lanes 0 and 2, and of 1 and 3: of a in the lower half, of b in the upper one. */
static inline lf_range join_halves(lf_range a, lf_range b) {
  return join((lf_range){.least = wasm_i32x4_shuffle(a.least, b.least, 0, 1, 4, 5),
                         .most = wasm_i32x4_shuffle(a.most, b.most, 0, 1, 4, 5),
                         .poison = wasm_i32x4_shuffle(a.poison, b.poison, 0, 1, 4, 5)},
              (lf_range){.least = wasm_i32x4_shuffle(a.least, b.least, 2, 3, 6, 7),
                         .most = wasm_i32x4_shuffle(a.most, b.most, 2, 3, 6, 7),
                         .poison = wasm_i32x4_shuffle(a.poison, b.poison, 2, 3, 6, 7)});
}

/* The joint ranges of lanes 0 and 1, and of 2 and 3: of a, then of b. */
static inline lf_range join_pairs(lf_range a, lf_range b) {
  return join((lf_range){.least = wasm_i32x4_shuffle(a.least, b.least, 0, 2, 4, 6),
                         .most = wasm_i32x4_shuffle(a.most, b.most, 0, 2, 4, 6),
                         .poison = wasm_i32x4_shuffle(a.poison, b.poison, 0, 2, 4, 6)},
              (lf_range){.least = wasm_i32x4_shuffle(a.least, b.least, 1, 3, 5, 7),
                         .most = wasm_i32x4_shuffle(a.most, b.most, 1, 3, 5, 7),
                         .poison = wasm_i32x4_shuffle(a.poison, b.poison, 1, 3, 5, 7)});
}

/* The ranges of the rows, n values each: one a lane, as scales and offsets are then. */
static inline __attribute__((always_inline)) lf_range row_ranges(lf_row_block block, size_t n) {
  lf_range range[SIDE_ROWS];
  const float *at[SIDE_ROWS];
  UNROLL_ALL
  for (size_t r = 0; r < SIDE_ROWS; r++) {
    at[r] = block.row[r];
    range[r] = first_range(splat(at[r][0]));
  }
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    UNROLL_ALL
    for (size_t r = 0; r < SIDE_ROWS; r++) {
      range[r] = widen_range(range[r], wasm_v128_load(at[r]));
      at[r] += 4;
      OWN_REGISTER(at[r]);
    }
  }
  for (; i < n; i++) {
    UNROLL_ALL
    for (size_t r = 0; r < SIDE_ROWS; r++) range[r] = widen_range(range[r], splat(*at[r]++));
  }
  return join_pairs(join_halves(range[0], range[1]), join_halves(range[2], range[3]));
}

/* The same, where speed matters less than that there is one copy of it. */
static __attribute__((noinline)) lf_range all_row_ranges(const lf_row_block *block, size_t n) {
  return row_ranges(*block, n);
}

/* From values to quantised ones: (value - offset) * rate; and back: offset + scale * quantised. */
typedef struct lf_quantiser {
  lf_lane offset, rate, scale;
} lf_quantiser;

static inline lf_quantiser quantiser_of(lf_range range) {
  const lf_lane width = wasm_f32x4_add(wasm_f32x4_sub(range.most, range.least), range.poison);
  const lf_lane most = splat((float)LF_QUANTISED_MAX);
  const lf_lane rate = wasm_f32x4_div(most, width);
  return (lf_quantiser){.offset = range.least,
                        .rate = wasm_v128_and(rate, wasm_f32x4_gt(width, splat(LF_LEAST_RANGE))),
                        .scale = wasm_f32x4_div(width, most)};
}

/* What rounds: LF_ROUND, and the 7 bits that are kept. */
typedef struct lf_rounding {
  lf_lane shift;
  v128_t mask;
} lf_rounding;

static inline lf_rounding rounding(void) {
  return (lf_rounding){.shift = constant(LF_ROUND), .mask = constant_bits(LF_QUANTISED_MAX)};
}

/* value * rate to the nearest whole numbers, of 7 bits. */
static inline v128_t round_product(lf_lane value, lf_lane rate, lf_rounding k) {
  return wasm_v128_and(multiply_add(k.shift, value, rate), k.mask);
}

static inline v128_t narrow(const v128_t part[4]) {
  return wasm_u8x16_narrow_i16x8(wasm_i16x8_narrow_i32x4(part[0], part[1]), wasm_i16x8_narrow_i32x4(part[2], part[3]));
}

/* Rows first .. first + left - 1 of `out`, or SIDE_ROWS of them: n values each. */
static __attribute__((noinline)) void quantise_block(lf_quantised_rows out, lf_rows in, size_t first_row, size_t left,
                                                     size_t n) {
  const lf_row_block block = row_block(in, first_row, left);
  const lf_rounding k = rounding();
  const lf_quantiser q = quantiser_of(all_row_ranges(&block, n));
  float scales[SIDE_ROWS];
  float offsets[SIDE_ROWS];
  float rates[SIDE_ROWS];
  wasm_v128_store(scales, q.scale);
  wasm_v128_store(offsets, q.offset);
  wasm_v128_store(rates, q.rate);
  for (size_t r = 0; r < block.count; r++) {
    const float *row = block.row[r];
    uint8_t *to = out.data + block.index[r] * out.ld;
    const lf_lane offset = splat(offsets[r]);
    const lf_lane rate = splat(rates[r]);
    out.scale[block.index[r]] = scales[r];
    out.offset[block.index[r]] = offsets[r];
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
      v128_t part[4];
      UNROLL_ALL
      for (size_t j = 0; j < 4; j++) {
        part[j] = round_product(wasm_f32x4_sub(wasm_v128_load(row + i + 4 * j), offset), rate, k);
      }
      wasm_v128_store(to + i, narrow(part));
    }
    for (; i < n; i++) {
      const v128_t rounded = round_product(wasm_f32x4_sub(splat(row[i]), offset), rate, k);
      to[i] = (uint8_t)wasm_i32x4_extract_lane(rounded, 0);
    }
    for (; i < lf_pad_group(n); i++) to[i] = 0;
  }
}

void lf_quantise(lf_quantised_rows out, lf_rows in, size_t rows, size_t n) {
  for (size_t r = 0; r < rows; r += SIDE_ROWS) quantise_block(out, in, r, rows - r, n);
}

void lf_quantise_columns(lf_quantised_rows out, lf_rows in, size_t rows, size_t n) {
  const lf_rounding k = rounding();
  for (size_t c = 0; c < n; c += LF_LANES) {
    lf_range range[2] = {first_range(wasm_v128_load(in.data + c)), first_range(wasm_v128_load(in.data + c + 4))};
    for (size_t r = 0; r < rows; r++) {
      range[0] = widen_range(range[0], wasm_v128_load(in.data + r * in.ld + c));
      range[1] = widen_range(range[1], wasm_v128_load(in.data + r * in.ld + c + 4));
    }
    UNROLL_ALL
    for (size_t half = 0; half < 2; half++) {
      const float *column = in.data + c + 4 * half;
      const lf_quantiser q = quantiser_of(range[half]);
      wasm_v128_store(out.scale + c + 4 * half, q.scale);
      wasm_v128_store(out.offset + c + 4 * half, q.offset);
      uint8_t *to = out.data + (c + 4 * half) * out.ld;
      for (size_t r = 0; r < rows; r += LF_GROUP) {
        v128_t group = wasm_i32x4_splat(0); /* lane j: column j in rows r to r + 3, one a byte */
        UNROLL_ALL
        for (size_t i = 0; i < LF_GROUP && r + i < rows; i++) {
          const lf_lane v = wasm_f32x4_sub(wasm_v128_load(column + (r + i) * in.ld), q.offset);
          group = wasm_v128_or(group, wasm_i32x4_shl(round_product(v, q.rate, k), (uint32_t)(8 * i)));
        }
        wasm_v128_store32_lane(to + r, group, 0);
        wasm_v128_store32_lane(to + r + out.ld, group, 1);
        wasm_v128_store32_lane(to + r + 2 * out.ld, group, 2);
        wasm_v128_store32_lane(to + r + 3 * out.ld, group, 3);
      }
    }
  }
}

/* lf_weight_scale, and the poison. */
static inline lf_lane weight_scales(lf_range range) {
  const lf_lane largest = wasm_f32x4_pmax(range.most, wasm_f32x4_neg(range.least));
  const lf_lane scale = wasm_f32x4_div(largest, splat((float)LF_QUANTISED_MAX));
  const v128_t none = wasm_f32x4_lt(scale, splat(LF_LEAST_RANGE));
  return wasm_f32x4_add(wasm_v128_andnot(scale, none), range.poison);
}

/* lf_quantise_weight, each in the low 8 bits of its lane. */
static inline v128_t quantise_weights(lf_lane value, lf_lane scale) {
  const lf_lane ratio = wasm_v128_and(wasm_f32x4_div(value, scale), wasm_f32x4_gt(scale, splat(0.0f)));
  return wasm_v128_and(wasm_f32x4_add(ratio, splat(LF_ROUND)), wasm_i32x4_splat(0xff));
}

/* What four outputs have so far, and a group of inputs more. */
static inline v128_t add_group(v128_t sums, v128_t group) {
  return wasm_i32x4_add(sums, wasm_i32x4_extadd_pairwise_i16x8(wasm_i16x8_extadd_pairwise_i8x16(group)));
}

void lf_quantise_weights(lf_quantised_panels out, size_t first, lf_rows in, size_t rows) {
  for (size_t r = 0; r < rows; r += SIDE_ROWS) {
    const lf_row_block block = row_block(in, r, rows - r);
    const lf_lane scales = weight_scales(all_row_ranges(&block, out.n_in));
    const lf_lane scale[SIDE_ROWS] = {
        wasm_i32x4_shuffle(scales, scales, 0, 0, 0, 0), wasm_i32x4_shuffle(scales, scales, 1, 1, 1, 1),
        wasm_i32x4_shuffle(scales, scales, 2, 2, 2, 2), wasm_i32x4_shuffle(scales, scales, 3, 3, 3, 3)};
    int8_t *to = out.data + lf_quantised_index(out.panel_stride, first + r, 0);
    v128_t sums = wasm_i32x4_splat(0);
    for (size_t i = 0; i < out.n_in; i += LF_GROUP) {
      const size_t count = out.n_in - i < LF_GROUP ? out.n_in - i : LF_GROUP;
      v128_t part[SIDE_ROWS];
      UNROLL_ALL
      for (size_t side = 0; side < SIDE_ROWS; side++) {
        float values[LF_GROUP] = {0.0f};
        const float *from = block.row[side] + i;
        if (count < LF_GROUP) from = memcpy(values, from, count * sizeof *values);
        part[side] = quantise_weights(wasm_v128_load(from), scale[side]);
      }
      const v128_t group = narrow(part);
      wasm_v128_store(to + i * LF_LANES, group);
      sums = add_group(sums, group);
    }
    wasm_v128_store(out.scale + first + r, scales);
    wasm_v128_store(out.sum + first + r, wasm_f32x4_convert_i32x4(sums));
  }
}

void lf_quantise_weight_columns(lf_quantised_panels out, lf_rows in) {
  for (size_t j = 0; j < out.n_out; j += 4) {
    const float *column = in.data + j;
    lf_range range = first_range(wasm_v128_load(column));
    for (size_t i = 1; i < out.n_in; i++) range = widen_range(range, wasm_v128_load(column + i * in.ld));
    const lf_lane scale = weight_scales(range);
    int8_t *to = out.data + lf_quantised_index(out.panel_stride, j, 0);
    v128_t sums = wasm_i32x4_splat(0);
    for (size_t i = 0; i < out.n_in; i += LF_GROUP) {
      v128_t group = wasm_i32x4_splat(0);
      UNROLL_ALL
      for (size_t k = 0; k < LF_GROUP && i + k < out.n_in; k++) {
        const v128_t value = quantise_weights(wasm_v128_load(column + (i + k) * in.ld), scale);
        group = wasm_v128_or(group, wasm_i32x4_shl(value, (uint32_t)(8 * k)));
      }
      wasm_v128_store(to + i * LF_LANES, group);
      sums = add_group(sums, group);
    }
    wasm_v128_store(out.scale + j, scale);
    wasm_v128_store(out.sum + j, wasm_f32x4_convert_i32x4(sums));
  }
}

void lf_gelu_quantise(lf_quantised_rows out, lf_rows x, size_t rows, size_t n) {
  const lf_coarse_exp_constants k = coarse_exp_constants();
  const lf_gelu_constants g = gelu_constants();
  for (size_t r = 0; r < rows; r++) {
    float *row = x.data + r * x.ld;
    for (size_t i = 0; i < lf_pad(n); i += 4) {
      const lf_lane v = wasm_v128_load(row + i);
      const lf_lane divisor = wasm_f32x4_add(k.c0, coarse_exp(gelu_exponent(v, &g), &k));
      wasm_v128_store(row + i, wasm_f32x4_div(v, divisor));
    }
    if (r % SIDE_ROWS == SIDE_ROWS - 1 || r + 1 == rows) {
      const size_t first_row = r / SIDE_ROWS * SIDE_ROWS;
      quantise_block(out, x, first_row, rows - first_row, n);
    }
  }
}

void lf_softmax_quantise(lf_quantised_rows out, lf_rows scores, lf_softmax state, size_t rows, size_t n) {
  const lf_coarse_exp_constants coarse = coarse_exp_constants();
  const lf_exp_constants fine = exp_constants();
  const lf_rounding k = rounding();
  const lf_lane most = constant((float)LF_QUANTISED_MAX);
  for (size_t first_row = 0; first_row < rows; first_row += SIDE_ROWS) {
    const lf_row_block block = row_block(scores, first_row, rows - first_row);
    const lf_range range = row_ranges(block, n);
    float top[SIDE_ROWS];
    float max[SIDE_ROWS];
    float scale[SIDE_ROWS];
    UNROLL_ALL
    for (size_t r = 0; r < SIDE_ROWS; r++) max[r] = state.max[block.index[r]];
    const lf_lane maxima = wasm_f32x4_pmax(wasm_v128_load(max), range.most);
    const lf_lane largest = lf_exp(wasm_f32x4_sub(range.most, maxima), &fine);
    wasm_v128_store(top, range.most);
    wasm_v128_store(max, maxima);
    wasm_v128_store(scale, wasm_f32x4_add(wasm_f32x4_div(largest, most), range.poison));
    for (size_t r = 0; r < block.count; r++) {
      const float *row = block.row[r];
      const size_t index = block.index[r];
      uint8_t *to = out.data + index * out.ld;
      const lf_lane row_top = splat(top[r]);
      v128_t totals = wasm_i32x4_splat(0);
      uint32_t total = 0;
      size_t i = 0;
      for (; i + 16 <= n; i += 16) {
        v128_t part[4];
        UNROLL_ALL
        for (size_t j = 0; j < 4; j++) {
          const lf_lane y = coarse_exp(wasm_f32x4_sub(wasm_v128_load(row + i + 4 * j), row_top), &coarse);
          part[j] = round_product(y, most, k);
          totals = wasm_i32x4_add(totals, part[j]);
        }
        wasm_v128_store(to + i, narrow(part));
      }
      for (; i < n; i++) {
        const lf_lane y = coarse_exp(wasm_f32x4_sub(splat(row[i]), row_top), &coarse);
        to[i] = (uint8_t)wasm_i32x4_extract_lane(round_product(y, most, k), 0);
        total += to[i];
      }
      for (; i < lf_pad_group(n); i++) to[i] = 0;
      uint32_t part[4];
      wasm_v128_store(part, totals);
      total += (part[0] + part[1]) + (part[2] + part[3]);
      raise_max(state, index, max[r], &fine);
      out.scale[index] = scale[r];
      state.sum[index] = state.sum[index] + scale[r] * (float)total;
    }
  }
}
