/* kernels_simd128.c - the kernels of kernels.h for WebAssembly SIMD, order for order what kernels_scalar.c does
 *
 * One source for two modules: built with LF_RELAXED the multiply-add is relaxed SIMD's, which fuses where the machine
 * does, and nothing else differs. */
#include <string.h>

#include "kernels.h"
#include "lane_simd128.h"

/* Rows of a block and inputs of a turn of its loop, as measured (x86-64, V8). BLOCK_ROWS x 2 accumulators, 2 weights, 1
 * input and, where nothing fuses, 1 product have to fit 16 registers. */
#ifdef LF_RELAXED
enum { BLOCK_ROWS = 6 };
#define UNROLL _Pragma("clang loop unroll(disable)")
#else
enum { BLOCK_ROWS = 4 };
#define UNROLL _Pragma("clang loop unroll_count(2)")
#endif
enum { NORM_ROWS = 4 };

/* `rows` rows (a constant at each call, so that the accumulators are registers) by one panel. */
static inline __attribute__((always_inline)) void gemm_block(float *out, size_t ld_out, const float *in, size_t ld_in,
                                                             const float *panel, size_t row_stride, const float *bias,
                                                             int accumulate, const size_t rows, size_t n_in) {
  lf_lane acc[BLOCK_ROWS][2];
  UNROLL_ALL
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
    UNROLL_ALL
    for (size_t r = 0; r < rows; r++) {
      const lf_lane value = wasm_v128_load32_splat(in + r * ld_in + i);
      acc[r][0] = multiply_add(acc[r][0], value, w0);
      acc[r][1] = multiply_add(acc[r][1], value, w1);
    }
  }
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) {
    wasm_v128_store(out + r * ld_out, acc[r][0]);
    wasm_v128_store(out + r * ld_out + 4, acc[r][1]);
  }
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

/* `rows` rows (a constant at each call) side by side, so that their sums do not wait for each other. */
static inline __attribute__((always_inline)) void
norm_block(float *out, const float *in, const float *gain, const float *bias, const size_t rows, size_t d, size_t ld) {
  const float count = (float)d;
  const size_t whole = d / 4 * 4;
  lf_lane mean[NORM_ROWS];
  lf_lane rate[NORM_ROWS];
  lf_lane sums[NORM_ROWS];
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) sums[r] = splat(0.0f);
  for (size_t i = 0; i < whole; i += 4) {
    UNROLL_ALL
    for (size_t r = 0; r < rows; r++) sums[r] = wasm_f32x4_add(sums[r], wasm_v128_load(in + r * ld + i));
  }
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) {
    float sum[4];
    wasm_v128_store(sum, sums[r]);
    for (size_t i = whole; i < d; i++) sum[i % 4] = sum[i % 4] + in[r * ld + i];
    mean[r] = splat(combine(sum) / count);
    sums[r] = splat(0.0f);
  }
  for (size_t i = 0; i < whole; i += 4) {
    UNROLL_ALL
    for (size_t r = 0; r < rows; r++) {
      const lf_lane centred = wasm_f32x4_sub(wasm_v128_load(in + r * ld + i), mean[r]);
      sums[r] = multiply_add(sums[r], centred, centred);
    }
  }
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) {
    float square[4];
    wasm_v128_store(square, sums[r]);
    for (size_t i = whole; i < d; i++) {
      const lf_lane centred = wasm_f32x4_sub(splat(in[r * ld + i]), mean[r]);
      square[i % 4] = first(multiply_add(splat(square[i % 4]), centred, centred));
    }
    const float variance = combine(square) / count;
    /* A variance that overflows would leave the bias alone, a result like any other; the difference makes it NaN. */
    rate[r] = splat(1.0f / __builtin_sqrtf(variance + 1e-5f) + (variance - variance));
  }
  for (size_t i = 0; i < lf_pad(d); i += 4) {
    UNROLL_ALL
    for (size_t r = 0; r < rows; r++) {
      const lf_lane y = wasm_f32x4_mul(wasm_f32x4_sub(wasm_v128_load(in + r * ld + i), mean[r]), rate[r]);
      wasm_v128_store(out + r * ld + i, multiply_add(wasm_v128_load(bias + i), y, wasm_v128_load(gain + i)));
    }
  }
}

void lf_layer_norm(float *out, const float *in, const float *gain, const float *bias, size_t rows, size_t d,
                   size_t ld) {
  size_t r = 0;
  for (; r + NORM_ROWS <= rows; r += NORM_ROWS) norm_block(out + r * ld, in + r * ld, gain, bias, NORM_ROWS, d, ld);
  for (; r < rows; r++) norm_block(out + r * ld, in + r * ld, gain, bias, 1, d, ld);
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
