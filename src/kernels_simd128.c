/* kernels_simd128.c - the kernels of kernels.h for WebAssembly SIMD, order for order what kernels_scalar.c does
 *
 * One source for two modules: built with LF_RELAXED the multiply-add is relaxed SIMD's, which fuses where the machine
 * does, and nothing else differs. */
#include <string.h>
#include <wasm_simd128.h>

#include "kernels.h"

/* Four lanes. */
typedef v128_t lf_lane;

#ifdef LF_RELAXED
static inline lf_lane multiply_add(lf_lane acc, lf_lane a, lf_lane b) { return wasm_f32x4_relaxed_madd(a, b, acc); }
#else
static inline lf_lane multiply_add(lf_lane acc, lf_lane a, lf_lane b) {
  return wasm_f32x4_add(acc, wasm_f32x4_mul(a, b));
}
#endif

static inline lf_lane splat(float value) { return wasm_f32x4_splat(value); }
static inline float first(lf_lane v) { return wasm_f32x4_extract_lane(v, 0); }

/* The same value in all lanes, read from memory where no compiler sees that it is constant: engines rebuild a plain
 * v128 constant at each use, inside loops too, by three instructions. A value that was loaded stays in its register. */
static inline lf_lane constant(float value) {
  const float *place = &value;
  __asm__("" : "+r"(place) : : "memory");
  return wasm_v128_load32_splat(place);
}

/* exp by Cody and Waite's reduction: see kernels_scalar.c. pmax is its comparison, bit for bit. */
typedef struct lf_exp_constants {
  lf_lane low, rate, shift, ln2_hi, ln2_lo, c5, c4, c3, c2, c1, c0;
} lf_exp_constants;

static inline lf_exp_constants exp_constants(void) {
  return (lf_exp_constants){
      .low = constant(-87.0f),
      .rate = constant(1.44269504088896341f),
      .shift = constant(12582912.0f),
      .ln2_hi = constant(-0.693359375f),
      .ln2_lo = constant(2.12194440e-4f),
      .c5 = constant(8.297655e-3f),
      .c4 = constant(4.1915383e-2f),
      .c3 = constant(1.6667575e-1f),
      .c2 = constant(4.9998894e-1f),
      .c1 = constant(9.999997e-1f),
      .c0 = constant(1.0f),
  };
}

static inline lf_lane lf_exp(lf_lane x, const lf_exp_constants *k) {
  x = wasm_f32x4_pmax(x, k->low);
  const lf_lane shifted = multiply_add(k->shift, x, k->rate);
  const lf_lane j = wasm_f32x4_sub(shifted, k->shift);
  lf_lane r = multiply_add(x, j, k->ln2_hi);
  r = multiply_add(r, j, k->ln2_lo);
  lf_lane y = multiply_add(k->c4, k->c5, r);
  y = multiply_add(k->c3, y, r);
  y = multiply_add(k->c2, y, r);
  y = multiply_add(k->c1, y, r);
  y = multiply_add(k->c0, y, r);
  return wasm_i32x4_add(y, wasm_i32x4_shl(shifted, 23));
}

/* Rows of a block and inputs of a turn of its loop, as measured (x86-64, V8). BLOCK_ROWS x 2 accumulators, 2 weights, 1
 * input and, where nothing fuses, 1 product have to fit 16 registers. */
#ifdef LF_RELAXED
enum { BLOCK_ROWS = 6 };
#define UNROLL _Pragma("clang loop unroll(disable)")
#else
enum { BLOCK_ROWS = 4 };
#define UNROLL _Pragma("clang loop unroll_count(2)")
#endif

/* `rows` rows (a constant at each call, so that the accumulators are registers) by one panel. */
static inline __attribute__((always_inline)) void gemm_block(float *out, size_t ld_out, const float *in, size_t ld_in,
                                                             const float *panel, size_t row_stride, const float *bias,
                                                             int accumulate, const size_t rows, size_t n_in) {
  lf_lane acc[BLOCK_ROWS][2];
  for (size_t r = 0; r < rows; r++) {
    acc[r][0] = accumulate ? wasm_v128_load(out + r * ld_out) : splat(0.0f);
    acc[r][1] = accumulate ? wasm_v128_load(out + r * ld_out + 4) : splat(0.0f);
    if (bias != NULL) {
      acc[r][0] = wasm_f32x4_add(acc[r][0], wasm_v128_load(bias));
      acc[r][1] = wasm_f32x4_add(acc[r][1], wasm_v128_load(bias + 4));
    }
  }
  UNROLL
  for (size_t i = 0; i < n_in; i++) {
    const lf_lane w0 = wasm_v128_load(panel + i * row_stride);
    const lf_lane w1 = wasm_v128_load(panel + i * row_stride + 4);
    for (size_t r = 0; r < rows; r++) {
      const lf_lane value = wasm_v128_load32_splat(in + r * ld_in + i);
      acc[r][0] = multiply_add(acc[r][0], value, w0);
      acc[r][1] = multiply_add(acc[r][1], value, w1);
    }
  }
  for (size_t r = 0; r < rows; r++) {
    wasm_v128_store(out + r * ld_out, acc[r][0]);
    wasm_v128_store(out + r * ld_out + 4, acc[r][1]);
  }
}

/* Rows of the next block of `left` rows: as many as a block has, or else 2 or 1, so that the code stays small. */
static inline size_t next_rows(size_t left, size_t block) {
  if (left >= block) return block;
  return left >= 2 ? 2 : 1;
}

void lf_gemm(float *out, size_t ld_out, const float *in, size_t ld_in, lf_panels w, const float *bias, int accumulate,
             size_t rows, size_t n_in, size_t n_out) {
  for (size_t j = 0; j < lf_pad(n_out); j += LF_LANES) {
    const float *panel = w.data + j / LF_LANES * w.panel_stride;
    const float *panel_bias = bias != NULL ? bias + j : NULL;
    for (size_t r = 0; r < rows;) {
      const size_t step = next_rows(rows - r, BLOCK_ROWS);
      float *to = out + r * ld_out + j;
      const float *from = in + r * ld_in;
#define BLOCK(n) gemm_block(to, ld_out, from, ld_in, panel, w.row_stride, panel_bias, accumulate, n, n_in)
      switch (step) {
        case 1: BLOCK(1); break;
        case 2: BLOCK(2); break;
        default: BLOCK(BLOCK_ROWS); break;
      }
#undef BLOCK
      r += step;
    }
  }
}

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
  for (size_t r = 0; r < rows; r++) acc[r][0] = acc[r][1] = dot_zero();
  for (size_t i = 0; i < n_in; i += LF_GROUP) {
    const lf_group w0 = load_weights(panel + i * LF_LANES);
    const lf_group w1 = load_weights(panel + i * LF_LANES + 16);
    for (size_t r = 0; r < rows; r++) {
      const v128_t group = load_codes(codes + r * ld_codes + i);
      acc[r][0] = dot_add(acc[r][0], w0, group);
      acc[r][1] = dot_add(acc[r][1], w1, group);
    }
  }
  for (size_t r = 0; r < rows; r++) {
    for (size_t half = 0; half < 2; half++) {
      float *to = out + r * ld_out + 4 * half;
      lf_lane base = accumulate ? wasm_v128_load(to) : splat(0.0f);
      if (bias != NULL) base = wasm_f32x4_add(base, wasm_v128_load(bias + 4 * half));
      lf_lane y = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(dot_sum(acc[r][half])), splat(step[r]));
      y = multiply_add(y, splat(low[r]), wasm_v128_load(sum + 4 * half));
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
  dot_block(out + r * ld_out + j, ld_out, codes + r * ld_codes, ld_codes, step + r, low + r, panel, w.scale + j,       \
            w.sum + j, panel_bias, accumulate, n, n_in)
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

void lf_quantise(uint8_t *codes, size_t ld_codes, float *step, float *low, const float *in, size_t ld_in, size_t rows,
                 size_t n) {
  const size_t whole = n / 4 * 4;
  const lf_lane zero = constant(0.0f);
  const lf_lane shift = constant(12582912.0f);
  for (size_t r = 0; r < rows; r++) {
    const float *row = in + r * ld_in;
    uint8_t *to = codes + r * ld_codes;
    lf_lane leasts = splat(row[0]);
    lf_lane mosts = leasts;
    lf_lane poisons = splat(0.0f);
    for (size_t i = 0; i < whole; i += 4) {
      const lf_lane v = wasm_v128_load(row + i);
      leasts = wasm_f32x4_pmin(leasts, v);
      mosts = wasm_f32x4_pmax(mosts, v);
      poisons = multiply_add(poisons, v, zero);
    }
    float least[4];
    float most[4];
    float poison[4];
    wasm_v128_store(least, leasts);
    wasm_v128_store(most, mosts);
    wasm_v128_store(poison, poisons);
    for (size_t i = whole; i < n; i++) {
      least[0] = row[i] < least[0] ? row[i] : least[0];
      most[0] = most[0] < row[i] ? row[i] : most[0];
      poison[i % 4] = poison[i % 4] + row[i] * 0.0f;
    }
    for (size_t i = 1; i < 4; i++) {
      least[0] = least[i] < least[0] ? least[i] : least[0];
      most[0] = most[0] < most[i] ? most[i] : most[0];
    }
    const float range = (most[0] - least[0]) + ((poison[0] + poison[1]) + (poison[2] + poison[3]));
    const float rate = range > 1e-30f ? 127.0f / range : 0.0f;
    step[r] = range / 127.0f;
    low[r] = least[0];

    const lf_lane floor = splat(least[0]);
    const lf_lane rates = splat(rate);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
      v128_t part[4];
      for (size_t j = 0; j < 4; j++) {
        const lf_lane v = wasm_f32x4_sub(wasm_v128_load(row + i + 4 * j), floor);
        part[j] = multiply_add(shift, v, rates);
      }
      /* The code is the lowest byte of each float. */
      const v128_t low_half = wasm_i8x16_shuffle(part[0], part[1], 0, 4, 8, 12, 16, 20, 24, 28, 0, 0, 0, 0, 0, 0, 0, 0);
      const v128_t high_half =
          wasm_i8x16_shuffle(part[2], part[3], 0, 4, 8, 12, 16, 20, 24, 28, 0, 0, 0, 0, 0, 0, 0, 0);
      const v128_t all = wasm_i64x2_shuffle(low_half, high_half, 0, 2);
      wasm_v128_store(to + i, wasm_v128_and(all, wasm_i8x16_splat(0x7f)));
    }
    for (; i < n; i++) {
      const lf_lane shifted = multiply_add(shift, splat(row[i] - least[0]), rates);
      to[i] = (uint8_t)(wasm_i32x4_extract_lane(shifted, 0) & 0x7f);
    }
    for (; i < lf_pad_group(n); i++) to[i] = 0;
  }
}

/* The four partials of a sum, with the elements that do not fill a vector still to come. */
static inline float combine(const float partial[4]) { return (partial[0] + partial[1]) + (partial[2] + partial[3]); }

void lf_layer_norm(float *out, const float *in, const float *gain, const float *bias, size_t rows, size_t d,
                   size_t ld) {
  const float count = (float)d;
  const size_t whole = d / 4 * 4;
  for (size_t r = 0; r < rows; r++) {
    const float *row = in + r * ld;
    float sum[4];
    lf_lane sums = splat(0.0f);
    for (size_t i = 0; i < whole; i += 4) sums = wasm_f32x4_add(sums, wasm_v128_load(row + i));
    wasm_v128_store(sum, sums);
    for (size_t i = whole; i < d; i++) sum[i % 4] = sum[i % 4] + row[i];
    const float mean = combine(sum) / count;

    float square[4];
    lf_lane squares = splat(0.0f);
    for (size_t i = 0; i < whole; i += 4) {
      const lf_lane centred = wasm_f32x4_sub(wasm_v128_load(row + i), splat(mean));
      squares = multiply_add(squares, centred, centred);
    }
    wasm_v128_store(square, squares);
    for (size_t i = whole; i < d; i++) {
      const lf_lane centred = splat(row[i] - mean);
      square[i % 4] = first(multiply_add(splat(square[i % 4]), centred, centred));
    }
    const float variance = combine(square) / count;

    /* A variance that overflows would leave the bias alone, a result like any other; the difference makes it NaN. */
    const float rate = 1.0f / __builtin_sqrtf(variance + 1e-5f) + (variance - variance);
    for (size_t i = 0; i < lf_pad(d); i += 4) {
      const lf_lane centred = wasm_f32x4_sub(wasm_v128_load(row + i), splat(mean));
      const lf_lane y = wasm_f32x4_mul(centred, splat(rate));
      wasm_v128_store(out + r * ld + i, multiply_add(wasm_v128_load(bias + i), y, wasm_v128_load(gain + i)));
    }
  }
}

void lf_gelu(float *x, size_t rows, size_t n, size_t ld) {
  const lf_exp_constants k = exp_constants();
  const lf_lane a = constant(-1.5957691216057308f);
  const lf_lane b = constant(-0.07135481627f);
  const lf_lane high = constant(88.0f);
  for (size_t r = 0; r < rows; r++) {
    for (size_t i = 0; i < lf_pad(n); i += 4) {
      const lf_lane v = wasm_v128_load(x + r * ld + i);
      const lf_lane slope = multiply_add(a, wasm_f32x4_mul(v, v), b);
      const lf_lane u = wasm_f32x4_pmin(wasm_f32x4_mul(v, slope), high);
      const lf_lane divisor = wasm_f32x4_add(k.c0, lf_exp(u, &k));
      wasm_v128_store(x + r * ld + i, wasm_f32x4_div(v, divisor));
    }
  }
}

void lf_softmax_block(float *scores, size_t ld, float *row_max, float *row_sum, float *ctx, size_t ld_ctx, size_t rows,
                      size_t n, size_t n_ctx) {
  const lf_exp_constants k = exp_constants();
  const size_t whole = n / 4 * 4;
  for (size_t r = 0; r < rows; r++) {
    float *row = scores + r * ld;
    float top[4];
    lf_lane tops = splat(row_max[r]);
    for (size_t i = 0; i < whole; i += 4) tops = wasm_f32x4_pmax(tops, wasm_v128_load(row + i));
    wasm_v128_store(top, tops);
    for (size_t i = whole; i < n; i++) top[i % 4] = top[i % 4] < row[i] ? row[i] : top[i % 4];
    const float low = top[0] < top[1] ? top[1] : top[0];
    const float high = top[2] < top[3] ? top[3] : top[2];
    const float m = low < high ? high : low;

    float sum[4];
    lf_lane sums = splat(0.0f);
    for (size_t i = 0; i < whole; i += 4) {
      const lf_lane y = lf_exp(wasm_f32x4_sub(wasm_v128_load(row + i), splat(m)), &k);
      wasm_v128_store(row + i, y);
      sums = wasm_f32x4_add(sums, y);
    }
    wasm_v128_store(sum, sums);
    for (size_t i = whole; i < n; i++) {
      row[i] = first(lf_exp(splat(row[i] - m), &k));
      sum[i % 4] = sum[i % 4] + row[i];
    }

    if (row_sum[r] != 0.0f) {
      const float correction = first(lf_exp(splat(row_max[r] - m), &k));
      row_sum[r] = row_sum[r] * correction;
      lf_scale(ctx + r * ld_ctx, correction, n_ctx);
    }
    row_sum[r] = row_sum[r] + combine(sum);
    row_max[r] = m;
  }
}

void lf_divide_rows(float *out, size_t ld_out, const float *in, size_t ld_in, const float *row_sum, size_t rows,
                    size_t n) {
  const size_t whole = n / 4 * 4;
  for (size_t r = 0; r < rows; r++) {
    const float factor = 1.0f / row_sum[r];
    for (size_t i = 0; i < whole; i += 4) {
      wasm_v128_store(out + r * ld_out + i, wasm_f32x4_mul(wasm_v128_load(in + r * ld_in + i), splat(factor)));
    }
    for (size_t i = whole; i < n; i++) out[r * ld_out + i] = in[r * ld_in + i] * factor;
  }
}

/* The elementwise kernels below work on whole vectors, up to lf_pad(n): rows have the room. */

void lf_add(float *out, const float *in, size_t n) {
  for (size_t i = 0; i < lf_pad(n); i += 4) {
    wasm_v128_store(out + i, wasm_f32x4_add(wasm_v128_load(out + i), wasm_v128_load(in + i)));
  }
}

void lf_max(float *out, const float *in, size_t n) {
  for (size_t i = 0; i < lf_pad(n); i += 4) {
    wasm_v128_store(out + i, wasm_f32x4_pmax(wasm_v128_load(out + i), wasm_v128_load(in + i)));
  }
}

void lf_multiply_add(float *out, const float *a, const float *b, size_t n) {
  for (size_t i = 0; i < lf_pad(n); i += 4) {
    wasm_v128_store(out + i, multiply_add(wasm_v128_load(out + i), wasm_v128_load(a + i), wasm_v128_load(b + i)));
  }
}

void lf_scale(float *out, float factor, size_t n) {
  for (size_t i = 0; i < lf_pad(n); i += 4) {
    wasm_v128_store(out + i, wasm_f32x4_mul(wasm_v128_load(out + i), splat(factor)));
  }
}

/* See kernels_scalar.c. Writes exactly n floats. */
void lf_widen_f16(float *out, const uint16_t *in, size_t n) {
  for (size_t i = 0; i < n; i += 4) {
    const size_t count = n - i < 4 ? n - i : 4;
    uint16_t halves[4] = {0, 0, 0, 0};
    memcpy(halves, in + i, count * sizeof *in);
    const v128_t wide = wasm_u32x4_load16x4(halves);
    const v128_t magnitude = wasm_i32x4_shl(wasm_v128_and(wide, wasm_i32x4_splat(0x7fff)), 13);
    const v128_t sign = wasm_i32x4_shl(wasm_v128_and(wide, wasm_i32x4_splat(0x8000)), 16);
    float values[4];
    wasm_v128_store(values, wasm_v128_or(wasm_f32x4_mul(magnitude, splat(0x1p112f)), sign));
    memcpy(out + i, values, count * sizeof *out);
  }
}

/* Writes exactly n floats. */
void lf_widen_i8(float *out, const int8_t *in, float scale, size_t n) {
  const size_t whole = n / 8 * 8;
  for (size_t i = 0; i < whole; i += 8) {
    const v128_t wide = wasm_i16x8_load8x8(in + i);
    const lf_lane low = wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(wide));
    const lf_lane high = wasm_f32x4_convert_i32x4(wasm_i32x4_extend_high_i16x8(wide));
    wasm_v128_store(out + i, wasm_f32x4_mul(low, splat(scale)));
    wasm_v128_store(out + i + 4, wasm_f32x4_mul(high, splat(scale)));
  }
  for (size_t i = whole; i < n; i++) out[i] = (float)in[i] * scale;
}
