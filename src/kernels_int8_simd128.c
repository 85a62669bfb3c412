/* kernels_int8_simd128.c - products of 8 bits for WebAssembly SIMD, order for order what kernels_int8_scalar.c does */
#include "kernels.h"
#include "lane_simd128.h"

/* Exact sums for 4 outputs. Relaxed SIMD adds up whole groups; plain SIMD widens to 16 bits and adds up pairs, in two
 * vectors of two outputs each that are combined at the end. */
#ifdef LF_RELAXED
typedef v128_t lf_dot;
typedef v128_t lf_group;
enum { DOT_ROWS = 6, SPLIT_ROWS = 4 };

static inline lf_dot dot_zero(void) { return wasm_i32x4_splat(0); }
static inline lf_group load_weights(const int8_t *data) { return wasm_v128_load(data); }
static inline v128_t load_row(const uint8_t *row) { return wasm_v128_load32_splat(row); }
static inline lf_dot dot_add(lf_dot acc, lf_group w, v128_t row, const v128_t *ones) {
  if (ones != NULL) return wasm_i32x4_add(acc, wasm_i32x4_dot_i16x8(wasm_i16x8_relaxed_dot_i8x16_i7x16(w, row), *ones));
  return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(w, row, acc);
}
static inline v128_t dot_sum(lf_dot acc) { return acc; }

/* 1 where a processor has no instruction for a dot product of four and adds up pairs in 16 bits first, which shows by a sum
 * that does not fit them. There engines make the vector of ones that this takes anew for each product; it is better kept. */
static inline int adds_pairs(void) {
  const v128_t sum =
      wasm_i32x4_relaxed_dot_i8x16_i7x16_add(constant_bits(0x7f7f), constant_bits(0xffff), constant_bits(0));
  return wasm_i32x4_extract_lane(sum, 0) == INT16_MAX;
}
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
static inline v128_t load_row(const uint8_t *row) { return wasm_i16x8_extend_low_i8x16(wasm_v128_load32_splat(row)); }
static inline lf_dot dot_add(lf_dot acc, lf_group w, v128_t row, const v128_t *ones) {
  (void)ones;
  return (lf_dot){wasm_i32x4_add(acc.low, wasm_i32x4_dot_i16x8(w.low, row)),
                  wasm_i32x4_add(acc.high, wasm_i32x4_dot_i16x8(w.high, row))};
}
static inline v128_t dot_sum(lf_dot acc) {
  return wasm_i32x4_add(wasm_i32x4_shuffle(acc.low, acc.high, 0, 2, 4, 6),
                        wasm_i32x4_shuffle(acc.low, acc.high, 1, 3, 5, 7));
}
#endif

/* From exact sums to floats: `mode` and `rows` are constants at each call. What can be asked once is not asked for each
 * element: where few inputs meet, this takes as long as their products. */
static inline __attribute__((always_inline)) void finish_block(lf_rows out, lf_dot acc[DOT_ROWS][2],
                                                               lf_quantised_rows in, lf_quantised_panels w,
                                                               const float *bias, const lf_mode mode,
                                                               const size_t rows) {
  static const float none[DOT_ROWS];
  const float *offset = in.offset != NULL ? in.offset : none;
  lf_lane scale[2];
  lf_lane sum[2];
  lf_lane start[2];
  UNROLL_ALL
  for (size_t half = 0; half < 2; half++) {
    scale[half] = wasm_v128_load(w.scale + 4 * half);
    sum[half] = wasm_v128_load(w.sum + 4 * half);
    start[half] = bias != NULL ? wasm_v128_load(bias + 4 * half) : splat(0.0f);
  }
  float *to = out.data;
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) {
    const lf_lane row_scale = splat(in.scale[r]);
    const lf_lane row_offset = splat(offset[r]);
    UNROLL_ALL
    for (size_t half = 0; half < 2; half++) {
      lf_lane y = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(dot_sum(acc[r][half])), row_scale);
      y = multiply_add(y, row_offset, sum[half]);
      lf_lane base = start[half];
      if (mode == LF_ADD) base = wasm_f32x4_add(wasm_v128_load(to + 4 * half), base);
      wasm_v128_store(to + 4 * half, multiply_add(base, y, scale[half]));
    }
    to += out.ld;
  }
}

/* `rows` rows (a constant at each call) by the panel that w.data, w.scale and w.sum point to. `ones` is NULL, or a vector of
 * ones in 16 bits: then pairs are added up first, by instructions of their own. */
static inline __attribute__((always_inline)) void dot_block(lf_rows out, lf_quantised_rows in, lf_quantised_panels w,
                                                            const float *bias, lf_mode mode, const size_t rows,
                                                            const v128_t *ones) {
  lf_dot acc[DOT_ROWS][2];
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) acc[r][0] = acc[r][1] = dot_zero();
  const uint8_t *from[DOT_ROWS];
  const int8_t *weight = w.data;
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) from[r] = in.data + r * in.ld;
  for (size_t i = 0; i < w.n_in; i += LF_GROUP) {
    const lf_group w0 = load_weights(weight);
    const lf_group w1 = load_weights(weight + 16);
    weight += LF_GROUP * LF_LANES;
    OWN_REGISTER(weight);
    UNROLL_ALL
    for (size_t r = 0; r < rows; r++) {
      const v128_t group = load_row(from[r]);
      from[r] += LF_GROUP;
      OWN_REGISTER(from[r]);
      acc[r][0] = dot_add(acc[r][0], w0, group, ones);
      acc[r][1] = dot_add(acc[r][1], w1, group, ones);
    }
  }
  if (mode == LF_ADD) {
    finish_block(out, acc, in, w, bias, LF_ADD, rows);
  } else {
    finish_block(out, acc, in, w, bias, LF_SET, rows);
  }
}

static inline lf_quantised_rows quantised_rows_at(lf_quantised_rows rows, size_t r) {
  rows.data += r * rows.ld;
  rows.scale += r;
  if (rows.offset != NULL) rows.offset += r;
  return rows;
}

void lf_gemm_int8(lf_rows out, lf_quantised_rows in, lf_quantised_panels w, const float *bias, lf_mode mode,
                  size_t rows) {
#ifdef LF_RELAXED
  const int split = adds_pairs();
  const v128_t ones = constant_bits(0x00010001);
#endif
  lf_quantised_panels panel = w;
  for (size_t j = 0; j < lf_pad(w.n_out); j += LF_LANES) {
    panel.data = w.data + j / LF_LANES * w.panel_stride;
    panel.scale = w.scale + j;
    panel.sum = w.sum + j;
    const float *panel_bias = bias != NULL ? bias + j : NULL;
    for (size_t r = 0; r < rows;) {
#ifdef LF_RELAXED
      const size_t count = next_rows(rows - r, split ? SPLIT_ROWS : DOT_ROWS);
#else
      const size_t count = next_rows(rows - r, DOT_ROWS);
#endif
      const lf_rows to = lf_rows_at(out, r, j);
      const lf_quantised_rows from = quantised_rows_at(in, r);
      switch (count) {
        case 1: dot_block(to, from, panel, panel_bias, mode, 1, NULL); break;
#ifdef LF_RELAXED
        case 2: dot_block(to, from, panel, panel_bias, mode, 2, NULL); break;
        case SPLIT_ROWS: dot_block(to, from, panel, panel_bias, mode, SPLIT_ROWS, &ones); break;
#endif
        default: dot_block(to, from, panel, panel_bias, mode, DOT_ROWS, NULL); break;
      }
      r += count;
    }
  }
}
