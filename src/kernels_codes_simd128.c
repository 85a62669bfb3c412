/* kernels_codes_simd128.c - the kernels of 8 bits for WebAssembly SIMD, order for order what kernels_codes_scalar.c does */
#include "kernels.h"
#include "lane_simd128.h"

/* Exact sums for 4 outputs. Relaxed SIMD adds up whole groups; plain SIMD widens to 16 bits and adds up pairs, in two
 * vectors of two outputs each that are combined at the end. */
#ifdef LF_RELAXED
typedef v128_t lf_dot;
typedef v128_t lf_group;
enum { DOT_ROWS = 6 };

static inline lf_dot dot_zero(void) { return wasm_i32x4_splat(0); }
static inline lf_group load_weights(const int8_t *data) { return wasm_v128_load(data); }
static inline v128_t load_codes(const uint8_t *codes) { return wasm_v128_load32_splat(codes); }
static inline lf_dot dot_add(lf_dot acc, lf_group w, v128_t codes) {
  return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(w, codes, acc);
}
static inline v128_t dot_sum(lf_dot acc) { return acc; }
#else
typedef struct lf_dot {
  v128_t low, high;
} lf_dot;
typedef struct lf_group {
  v128_t low, high;
} lf_group;
enum { DOT_ROWS = 2 };

static inline lf_dot dot_zero(void) { return (lf_dot){wasm_i32x4_splat(0), wasm_i32x4_splat(0)}; }
static inline lf_group load_weights(const int8_t *data) {
  return (lf_group){wasm_i16x8_load8x8(data), wasm_i16x8_load8x8(data + 8)};
}
static inline v128_t load_codes(const uint8_t *codes) {
  return wasm_i16x8_extend_low_i8x16(wasm_v128_load32_splat(codes));
}
static inline lf_dot dot_add(lf_dot acc, lf_group w, v128_t codes) {
  return (lf_dot){wasm_i32x4_add(acc.low, wasm_i32x4_dot_i16x8(w.low, codes)),
                  wasm_i32x4_add(acc.high, wasm_i32x4_dot_i16x8(w.high, codes))};
}
static inline v128_t dot_sum(lf_dot acc) {
  return wasm_i32x4_add(wasm_i32x4_shuffle(acc.low, acc.high, 0, 2, 4, 6),
                        wasm_i32x4_shuffle(acc.low, acc.high, 1, 3, 5, 7));
}
#endif

/* `rows` rows (a constant at each call) by one panel. */
static inline __attribute__((always_inline)) void dot_block(float *out, size_t ld_out, const uint8_t *codes,
                                                            size_t ld_codes, const float *step, const float *low,
                                                            const int8_t *panel, const float *scale, const float *sum,
                                                            const float *bias, int accumulate, const size_t rows,
                                                            size_t n_in) {
  lf_dot acc[DOT_ROWS][2];
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) acc[r][0] = acc[r][1] = dot_zero();
  for (size_t i = 0; i < n_in; i += LF_GROUP) {
    const lf_group w0 = load_weights(panel + i * LF_LANES);
    const lf_group w1 = load_weights(panel + i * LF_LANES + 16);
    UNROLL_ALL
    for (size_t r = 0; r < rows; r++) {
      const v128_t group = load_codes(codes + r * ld_codes + i);
      acc[r][0] = dot_add(acc[r][0], w0, group);
      acc[r][1] = dot_add(acc[r][1], w1, group);
    }
  }
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) {
    UNROLL_ALL
    for (size_t half = 0; half < 2; half++) {
      float *to = out + r * ld_out + 4 * half;
      lf_lane base = accumulate ? wasm_v128_load(to) : splat(0.0f);
      if (bias != NULL) base = wasm_f32x4_add(base, wasm_v128_load(bias + 4 * half));
      lf_lane y = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(dot_sum(acc[r][half])), splat(step[r]));
      if (low != NULL) y = multiply_add(y, splat(low[r]), wasm_v128_load(sum + 4 * half));
      wasm_v128_store(to, multiply_add(base, y, wasm_v128_load(scale + 4 * half)));
    }
  }
}

void lf_gemm_codes(float *out, size_t ld_out, const uint8_t *codes, size_t ld_codes, const float *step,
                   const float *low, lf_codes w, const float *bias, int accumulate, size_t rows, size_t n_in,
                   size_t n_out) {
  for (size_t j = 0; j < lf_pad(n_out); j += LF_LANES) {
    const int8_t *panel = w.data + j / LF_LANES * w.panel_stride;
    const float *panel_bias = bias != NULL ? bias + j : NULL;
    for (size_t r = 0; r < rows;) {
      const size_t count = next_rows(rows - r, DOT_ROWS);
#define BLOCK(n)                                                                                                       \
  dot_block(out + r * ld_out + j, ld_out, codes + r * ld_codes, ld_codes, step + r, low != NULL ? low + r : NULL,      \
            panel, w.scale + j, w.sum + j, panel_bias, accumulate, n, n_in)
      switch (count) {
        case 1: BLOCK(1); break;
#ifdef LF_RELAXED
        case 2: BLOCK(2); break;
#endif
        default: BLOCK(DOT_ROWS); break;
      }
#undef BLOCK
      r += count;
    }
  }
}

/* What codes of some values need: the least and the most of them, and a zero that is NaN if one of them is not finite. */
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

/* The range of all lanes, in all of them. */
static inline lf_range join_lanes(lf_range range) {
  range = join(range, (lf_range){.least = wasm_i32x4_shuffle(range.least, range.least, 2, 3, 0, 1),
                                 .most = wasm_i32x4_shuffle(range.most, range.most, 2, 3, 0, 1),
                                 .poison = wasm_i32x4_shuffle(range.poison, range.poison, 2, 3, 0, 1)});
  return join(range, (lf_range){.least = wasm_i32x4_shuffle(range.least, range.least, 1, 0, 3, 2),
                                .most = wasm_i32x4_shuffle(range.most, range.most, 1, 0, 3, 2),
                                .poison = wasm_i32x4_shuffle(range.poison, range.poison, 1, 0, 3, 2)});
}

/* The range of a row, in all lanes. Two chains of minima and maxima, so that they do not wait for each other. */
static inline lf_range row_range(const float *row, size_t n) {
  lf_range even = first_range(splat(row[0]));
  lf_range odd = even;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    even = widen_range(even, wasm_v128_load(row + i));
    odd = widen_range(odd, wasm_v128_load(row + i + 4));
  }
  for (; i < n; i++) even = widen_range(even, splat(row[i]));
  return join_lanes(join(even, odd));
}

/* How values become codes: (value - low) * rate, and back: low + step * code. */
typedef struct lf_scale_of_codes {
  lf_lane low, rate, step;
} lf_scale_of_codes;

static inline lf_scale_of_codes scale_of(lf_range range) {
  const lf_lane width = wasm_f32x4_add(wasm_f32x4_sub(range.most, range.least), range.poison);
  const lf_lane rate = wasm_f32x4_div(splat(127.0f), width);
  return (lf_scale_of_codes){.low = range.least,
                             .rate = wasm_v128_and(rate, wasm_f32x4_gt(width, splat(1e-30f))),
                             .step = wasm_f32x4_div(width, splat(127.0f))};
}

/* value * rate to the nearest whole numbers, of 7 bits. */
static inline v128_t codes_of(lf_lane value, lf_lane rate, lf_lane shift, v128_t mask) {
  return wasm_v128_and(multiply_add(shift, value, rate), mask);
}

static inline v128_t narrow(const v128_t part[4]) {
  return wasm_u8x16_narrow_i16x8(wasm_i16x8_narrow_i32x4(part[0], part[1]), wasm_i16x8_narrow_i32x4(part[2], part[3]));
}

/* The codes of a row in the range `range`. */
static inline void quantise(uint8_t *codes, float *step, float *low, const float *row, lf_range range, size_t n) {
  const lf_lane shift = constant(12582912.0f);
  const v128_t mask = constant(0x7f * 0x1p-149f);
  const lf_scale_of_codes scale = scale_of(range);
  *step = first(scale.step);
  *low = first(scale.low);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    v128_t part[4];
    UNROLL_ALL
    for (size_t j = 0; j < 4; j++) {
      part[j] = codes_of(wasm_f32x4_sub(wasm_v128_load(row + i + 4 * j), scale.low), scale.rate, shift, mask);
    }
    wasm_v128_store(codes + i, narrow(part));
  }
  for (; i < n; i++) {
    const v128_t code = codes_of(wasm_f32x4_sub(splat(row[i]), scale.low), scale.rate, shift, mask);
    codes[i] = (uint8_t)wasm_i32x4_extract_lane(code, 0);
  }
  for (; i < lf_pad_group(n); i++) codes[i] = 0;
}

void lf_quantise(uint8_t *codes, size_t ld_codes, float *step, float *low, const float *in, size_t ld_in, size_t rows,
                 size_t n) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = in + r * ld_in;
    quantise(codes + r * ld_codes, step + r, low + r, row, row_range(row, n), n);
  }
}

void lf_quantise_columns(uint8_t *codes, size_t ld_codes, float *step, float *low, const float *in, size_t ld_in,
                         size_t rows, size_t n) {
  const lf_lane shift = constant(12582912.0f);
  const v128_t mask = constant(0x7f * 0x1p-149f);
  for (size_t c = 0; c < n; c += 4) {
    lf_range range = first_range(wasm_v128_load(in + c));
    for (size_t r = 0; r < rows; r++) range = widen_range(range, wasm_v128_load(in + r * ld_in + c));
    const lf_scale_of_codes scale = scale_of(range);
    wasm_v128_store(step + c, scale.step);
    wasm_v128_store(low + c, scale.low);
    uint8_t *to = codes + c * ld_codes;
    for (size_t r = 0; r < rows; r += LF_GROUP) {
      v128_t group = wasm_i32x4_splat(0); /* lane j: the codes of column c + j in rows r to r + 3, one a byte */
      UNROLL_ALL
      for (size_t i = 0; i < LF_GROUP && r + i < rows; i++) {
        const lf_lane v = wasm_f32x4_sub(wasm_v128_load(in + (r + i) * ld_in + c), scale.low);
        group = wasm_v128_or(group, wasm_i32x4_shl(codes_of(v, scale.rate, shift, mask), (uint32_t)(8 * i)));
      }
      wasm_v128_store32_lane(to + r, group, 0);
      wasm_v128_store32_lane(to + r + ld_codes, group, 1);
      wasm_v128_store32_lane(to + r + 2 * ld_codes, group, 2);
      wasm_v128_store32_lane(to + r + 3 * ld_codes, group, 3);
    }
  }
}

void lf_gelu_quantise(uint8_t *codes, size_t ld_codes, float *step, float *low, float *x, size_t ld, size_t rows,
                      size_t n) {
  const lf_coarse_exp_constants k = coarse_exp_constants();
  const lf_lane a = constant(-1.5957691216057308f);
  const lf_lane b = constant(-0.07135481627f);
  const lf_lane high = constant(88.0f);
  for (size_t r = 0; r < rows; r++) {
    float *row = x + r * ld;
    for (size_t i = 0; i < lf_pad(n); i += 4) {
      const lf_lane v = wasm_v128_load(row + i);
      const lf_lane slope = multiply_add(a, wasm_f32x4_mul(v, v), b);
      const lf_lane u = wasm_f32x4_pmin(wasm_f32x4_mul(v, slope), high);
      wasm_v128_store(row + i, wasm_f32x4_div(v, wasm_f32x4_add(k.c0, coarse_exp(u, &k))));
    }
    quantise(codes + r * ld_codes, step + r, low + r, row, row_range(row, n), n);
  }
}

void lf_softmax_quantise(uint8_t *codes, size_t ld_codes, float *step, const float *scores, size_t ld, float *row_max,
                         float *row_sum, float *ctx, size_t ld_ctx, size_t rows, size_t n, size_t n_ctx) {
  const lf_coarse_exp_constants k = coarse_exp_constants();
  const lf_exp_constants fine = exp_constants();
  const lf_lane most_code = constant(127.0f);
  const v128_t mask = constant(0x7f * 0x1p-149f);
  for (size_t r = 0; r < rows; r++) {
    const float *row = scores + r * ld;
    uint8_t *to = codes + r * ld_codes;
    const lf_range range = row_range(row, n);
    v128_t totals = wasm_i32x4_splat(0);
    uint32_t total = 0;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
      v128_t part[4];
      UNROLL_ALL
      for (size_t j = 0; j < 4; j++) {
        const lf_lane y = coarse_exp(wasm_f32x4_sub(wasm_v128_load(row + i + 4 * j), range.most), &k);
        part[j] = codes_of(y, most_code, k.shift, mask);
        totals = wasm_i32x4_add(totals, part[j]);
      }
      wasm_v128_store(to + i, narrow(part));
    }
    for (; i < n; i++) {
      const lf_lane y = coarse_exp(wasm_f32x4_sub(splat(row[i]), range.most), &k);
      to[i] = (uint8_t)wasm_i32x4_extract_lane(codes_of(y, most_code, k.shift, mask), 0);
      total += to[i];
    }
    for (; i < lf_pad_group(n); i++) to[i] = 0;
    uint32_t part[4];
    wasm_v128_store(part, totals);
    total += (part[0] + part[1]) + (part[2] + part[3]);

    const lf_lane m = wasm_f32x4_pmax(splat(row_max[r]), range.most);
    if (row_sum[r] != 0.0f) {
      const float correction = first(lf_exp(wasm_f32x4_sub(splat(row_max[r]), m), &fine));
      row_sum[r] = row_sum[r] * correction;
      lf_scale(ctx + r * ld_ctx, correction, n_ctx);
    }
    step[r] = first(lf_exp(wasm_f32x4_sub(range.most, m), &fine)) / 127.0f + first(range.poison);
    row_sum[r] = row_sum[r] + step[r] * (float)total;
    row_max[r] = first(m);
  }
}
