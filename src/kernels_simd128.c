/* kernels_simd128.c - the kernels of kernels.h for WebAssembly SIMD, order for order what kernels_scalar.c does
 *
 * One source for two modules: built with LF_RELAXED the multiply-add is relaxed SIMD's, which fuses where the machine
 * does, and nothing else differs. */
#include <string.h>

#include "kernels.h"
#include "lane_simd128.h"

/* Rows of a block, as measured (x86-64, V8). BLOCK_ROWS x 2 accumulators, 2 weights, 1 input and, where nothing fuses, 1
 * product have to fit 16 registers. */
#ifdef LF_RELAXED
enum { BLOCK_ROWS = 6 };
#else
enum { BLOCK_ROWS = 4 };
#endif
enum { NORM_ROWS = 4 };

/* `rows` rows (a constant at each call, so that the accumulators are registers) by the panel that w.data points to. */
static inline __attribute__((always_inline)) void gemm_block(lf_rows out, lf_rows in, lf_panels w, const float *bias,
                                                             lf_mode mode, const size_t rows) {
  lf_lane acc[BLOCK_ROWS][2];
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) {
    acc[r][0] = mode == LF_ADD ? wasm_v128_load(out.data + r * out.ld) : splat(0.0f);
    acc[r][1] = mode == LF_ADD ? wasm_v128_load(out.data + r * out.ld + 4) : splat(0.0f);
    if (bias != NULL) {
      acc[r][0] = wasm_f32x4_add(acc[r][0], wasm_v128_load(bias));
      acc[r][1] = wasm_f32x4_add(acc[r][1], wasm_v128_load(bias + 4));
    }
  }
  const float *from[BLOCK_ROWS];
  const float *weight = w.data;
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) from[r] = in.data + r * in.ld;
  for (size_t i = 0; i < w.n_in; i++) {
    const lf_lane w0 = wasm_v128_load(weight);
    const lf_lane w1 = wasm_v128_load(weight + 4);
    weight += w.row_stride;
    OWN_REGISTER(weight);
    UNROLL_ALL
    for (size_t r = 0; r < rows; r++) {
      const lf_lane value = wasm_v128_load32_splat(from[r]++);
      OWN_REGISTER(from[r]);
      acc[r][0] = multiply_add(acc[r][0], value, w0);
      acc[r][1] = multiply_add(acc[r][1], value, w1);
    }
  }
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) {
    wasm_v128_store(out.data + r * out.ld, acc[r][0]);
    wasm_v128_store(out.data + r * out.ld + 4, acc[r][1]);
  }
}

void lf_gemm(lf_rows out, lf_rows in, lf_panels w, const float *bias, lf_mode mode, size_t rows) {
  lf_panels panel = w;
  for (size_t j = 0; j < lf_pad(w.n_out); j += LF_LANES) {
    panel.data = w.data + j / LF_LANES * w.panel_stride;
    const float *panel_bias = bias != NULL ? bias + j : NULL;
    for (size_t r = 0; r < rows;) {
      const size_t count = next_rows(rows - r, BLOCK_ROWS);
      const lf_rows to = lf_rows_at(out, r, j);
      const lf_rows from = lf_rows_at(in, r, 0);
      switch (count) {
        case 1: gemm_block(to, from, panel, panel_bias, mode, 1); break;
        case 2: gemm_block(to, from, panel, panel_bias, mode, 2); break;
        default: gemm_block(to, from, panel, panel_bias, mode, BLOCK_ROWS); break;
      }
      r += count;
    }
  }
}

/* `rows` rows (a constant at each call) side by side, so that their sums do not wait for each other. */
static inline __attribute__((always_inline)) void norm_block(lf_rows out, lf_rows in, const float *gain,
                                                             const float *bias, const size_t rows, size_t d) {
  const float count = (float)d;
  const size_t whole = d / 4 * 4;
  lf_lane mean[NORM_ROWS];
  lf_lane rate[NORM_ROWS];
  lf_lane sums[NORM_ROWS];
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) sums[r] = splat(0.0f);
  for (size_t i = 0; i < whole; i += 4) {
    UNROLL_ALL
    for (size_t r = 0; r < rows; r++) sums[r] = wasm_f32x4_add(sums[r], wasm_v128_load(in.data + r * in.ld + i));
  }
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) {
    float sum[4];
    wasm_v128_store(sum, sums[r]);
    for (size_t i = whole; i < d; i++) sum[i % 4] = sum[i % 4] + in.data[r * in.ld + i];
    mean[r] = splat(combine(sum) / count);
    sums[r] = splat(0.0f);
  }
  for (size_t i = 0; i < whole; i += 4) {
    UNROLL_ALL
    for (size_t r = 0; r < rows; r++) {
      const lf_lane centred = wasm_f32x4_sub(wasm_v128_load(in.data + r * in.ld + i), mean[r]);
      sums[r] = multiply_add(sums[r], centred, centred);
    }
  }
  UNROLL_ALL
  for (size_t r = 0; r < rows; r++) {
    float square[4];
    wasm_v128_store(square, sums[r]);
    for (size_t i = whole; i < d; i++) {
      const lf_lane centred = wasm_f32x4_sub(splat(in.data[r * in.ld + i]), mean[r]);
      square[i % 4] = first(multiply_add(splat(square[i % 4]), centred, centred));
    }
    const float variance = combine(square) / count;
    /* A variance that overflows would leave the bias alone, a result like any other; the difference makes it NaN. */
    rate[r] = splat(1.0f / __builtin_sqrtf(variance + LF_NORM_EPSILON) + (variance - variance));
  }
  for (size_t i = 0; i < lf_pad(d); i += 4) {
    UNROLL_ALL
    for (size_t r = 0; r < rows; r++) {
      const lf_lane centred = wasm_f32x4_sub(wasm_v128_load(in.data + r * in.ld + i), mean[r]);
      const lf_lane y = wasm_f32x4_mul(centred, rate[r]);
      wasm_v128_store(out.data + r * out.ld + i, multiply_add(wasm_v128_load(bias + i), y, wasm_v128_load(gain + i)));
    }
  }
}

void lf_layer_norm(lf_rows out, lf_rows in, const float *gain, const float *bias, size_t rows, size_t d) {
  size_t r = 0;
  for (; r + NORM_ROWS <= rows; r += NORM_ROWS) {
    norm_block(lf_rows_at(out, r, 0), lf_rows_at(in, r, 0), gain, bias, NORM_ROWS, d);
  }
  for (; r < rows; r++) norm_block(lf_rows_at(out, r, 0), lf_rows_at(in, r, 0), gain, bias, 1, d);
}

void lf_gelu(lf_rows x, size_t rows, size_t n) {
  const lf_exp_constants k = exp_constants();
  const lf_gelu_constants g = gelu_constants();
  for (size_t r = 0; r < rows; r++) {
    float *row = x.data + r * x.ld;
    for (size_t i = 0; i < lf_pad(n); i += 4) {
      const lf_lane v = wasm_v128_load(row + i);
      const lf_lane divisor = wasm_f32x4_add(k.c0, lf_exp(gelu_exponent(v, &g), &k));
      wasm_v128_store(row + i, wasm_f32x4_div(v, divisor));
    }
  }
}

void lf_softmax_block(lf_rows scores, lf_softmax state, size_t rows, size_t n) {
  const lf_exp_constants k = exp_constants();
  const size_t whole = n / 4 * 4;
  for (size_t first_row = 0; first_row < rows; first_row += SIDE_ROWS) {
    const lf_row_block block = row_block(scores, first_row, rows - first_row);
    const float *at[SIDE_ROWS];
    lf_lane tops[SIDE_ROWS];
    UNROLL_ALL
    for (size_t r = 0; r < SIDE_ROWS; r++) {
      at[r] = block.row[r];
      tops[r] = splat(state.max[block.index[r]]);
    }
    for (size_t i = 0; i < whole; i += 4) {
      UNROLL_ALL
      for (size_t r = 0; r < SIDE_ROWS; r++) {
        tops[r] = wasm_f32x4_pmax(tops[r], wasm_v128_load(at[r]));
        at[r] += 4;
        OWN_REGISTER(at[r]);
      }
    }
    float top_of[SIDE_ROWS][4];
    UNROLL_ALL
    for (size_t r = 0; r < SIDE_ROWS; r++) wasm_v128_store(top_of[r], tops[r]);
    for (size_t r = 0; r < block.count; r++) {
      const size_t index = block.index[r];
      float *row = block.row[r];
      float *top = top_of[r];
      for (size_t i = whole; i < n; i++) top[i % 4] = top[i % 4] < row[i] ? row[i] : top[i % 4];
      const float low = top[0] < top[1] ? top[1] : top[0];
      const float high = top[2] < top[3] ? top[3] : top[2];
      const float max = low < high ? high : low;

      float sum[4];
      const lf_lane most = splat(max);
      lf_lane sums = splat(0.0f);
      for (size_t i = 0; i < whole; i += 4) {
        const lf_lane y = lf_exp(wasm_f32x4_sub(wasm_v128_load(row + i), most), &k);
        wasm_v128_store(row + i, y);
        sums = wasm_f32x4_add(sums, y);
      }
      wasm_v128_store(sum, sums);
      for (size_t i = whole; i < n; i++) {
        row[i] = first(lf_exp(splat(row[i] - max), &k));
        sum[i % 4] = sum[i % 4] + row[i];
      }
      raise_max(state, index, max, &k);
      state.sum[index] = state.sum[index] + combine(sum);
    }
  }
}

void lf_divide_rows(lf_rows out, lf_rows in, const float *sum, size_t rows, size_t n) {
  const size_t whole = n / 4 * 4;
  for (size_t r = 0; r < rows; r++) {
    const float factor = 1.0f / sum[r];
    const float *row = in.data + r * in.ld;
    float *to = out.data + r * out.ld;
    for (size_t i = 0; i < whole; i += 4) {
      wasm_v128_store(to + i, wasm_f32x4_mul(wasm_v128_load(row + i), splat(factor)));
    }
    for (size_t i = whole; i < n; i++) to[i] = row[i] * factor;
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

void lf_importance(float *x, size_t n) {
  const lf_exp_constants k = exp_constants();
  for (size_t i = 0; i < lf_pad(n); i += 4) {
    const lf_lane v = wasm_f32x4_pmax(wasm_v128_load(x + i), splat(-LF_IMPORTANCE_LIMIT));
    wasm_v128_store(x + i, lf_exp(wasm_f32x4_pmin(v, splat(LF_IMPORTANCE_LIMIT)), &k));
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
