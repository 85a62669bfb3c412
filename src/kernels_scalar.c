/* kernels_scalar.c - the reference kernels: kernels.h in plain C, order for order what kernels_simd128.c does */
#include <string.h>

#include "kernels.h"

/* One lane. The simd128 file has the same names for four. */
typedef float lf_lane;

static inline lf_lane multiply_add(lf_lane acc, lf_lane a, lf_lane b) { return acc + a * b; }

/* exp by Cody and Waite's reduction: x = j ln 2 + r with j whole and |r| <= ln 2 / 2, exp(x) = 2^j exp(r).
 * Adding 1.5 * 2^23 rounds x / ln 2 to j and leaves j in the low bits of the sum, ready to be added to an exponent.
 * ln 2 is split in two so that j * 0.693359375 is exact for |j| < 2^15. exp(r) is the minimax polynomial of degree 5 for
 * the relative error (Remez), its constant term set to 1. x is clamped to -87 from below, where the result is a normal
 * number still; the caller keeps it at 88 or below, where it is finite. */
static inline lf_lane lf_exp(lf_lane x) {
  x = x < -87.0f ? -87.0f : x;
  const lf_lane shifted = multiply_add(12582912.0f, x, 1.44269504088896341f);
  const lf_lane j = shifted - 12582912.0f;
  lf_lane r = multiply_add(x, j, -0.693359375f);
  r = multiply_add(r, j, 2.12194440e-4f);
  lf_lane y = multiply_add(4.1915383e-2f, 8.297655e-3f, r);
  y = multiply_add(1.6667575e-1f, y, r);
  y = multiply_add(4.9998894e-1f, y, r);
  y = multiply_add(9.999997e-1f, y, r);
  y = multiply_add(1.0f, y, r);
  uint32_t bits;
  memcpy(&bits, &y, sizeof bits);
  uint32_t exponent;
  memcpy(&exponent, &shifted, sizeof exponent);
  bits += exponent << 23;
  memcpy(&y, &bits, sizeof y);
  return y;
}

void lf_gemm(float *out, size_t ld_out, const float *in, size_t ld_in, lf_panels w, const float *bias, int accumulate,
             size_t rows, size_t n_in, size_t n_out) {
  for (size_t j = 0; j < lf_pad(n_out); j += LF_LANES) {
    const float *panel = w.data + j / LF_LANES * w.panel_stride;
    for (size_t r = 0; r < rows; r++) {
      for (size_t lane = 0; lane < LF_LANES; lane++) {
        lf_lane acc = accumulate ? out[r * ld_out + j + lane] : 0.0f;
        if (bias != NULL) acc = acc + bias[j + lane];
        for (size_t i = 0; i < n_in; i++) {
          acc = multiply_add(acc, in[r * ld_in + i], panel[i * w.row_stride + lane]);
        }
        out[r * ld_out + j + lane] = acc;
      }
    }
  }
}

void lf_quantise(uint8_t *codes, size_t ld_codes, float *step, float *low, const float *in, size_t ld_in, size_t rows,
                 size_t n) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = in + r * ld_in;
    uint8_t *to = codes + r * ld_codes;
    float least = row[0];
    float most = row[0];
    float poison[4] = {0.0f, 0.0f, 0.0f, 0.0f}; /* a NaN or an infinity times 0 is a NaN */
    for (size_t i = 0; i < n; i++) {
      least = row[i] < least ? row[i] : least;
      most = most < row[i] ? row[i] : most;
      poison[i % 4] = multiply_add(poison[i % 4], row[i], 0.0f);
    }
    const float range = (most - least) + ((poison[0] + poison[1]) + (poison[2] + poison[3]));
    const float rate = range > 1e-30f ? 127.0f / range : 0.0f;
    step[r] = range / 127.0f;
    low[r] = least;
    for (size_t i = 0; i < n; i++) {
      const lf_lane shifted = multiply_add(12582912.0f, row[i] - least, rate);
      uint32_t bits;
      memcpy(&bits, &shifted, sizeof bits);
      to[i] = (uint8_t)(bits & 0x7f);
    }
    for (size_t i = n; i < lf_pad_group(n); i++) to[i] = 0;
  }
}

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
      const lf_lane y = multiply_add((float)dot * step[r], low[r], w.sum[j]);
      out[r * ld_out + j] = multiply_add(acc, y, w.scale[j]);
    }
  }
}

void lf_layer_norm(float *out, const float *in, const float *gain, const float *bias, size_t rows, size_t d,
                   size_t ld) {
  const float count = (float)d;
  for (size_t r = 0; r < rows; r++) {
    const float *row = in + r * ld;
    float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (size_t i = 0; i < d; i++) sum[i % 4] = sum[i % 4] + row[i];
    const float mean = ((sum[0] + sum[1]) + (sum[2] + sum[3])) / count;

    float square[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (size_t i = 0; i < d; i++) {
      const float centred = row[i] - mean;
      square[i % 4] = multiply_add(square[i % 4], centred, centred);
    }
    const float variance = ((square[0] + square[1]) + (square[2] + square[3])) / count;

    /* A variance that overflows would leave the bias alone, a result like any other; the difference makes it NaN. */
    const float rate = 1.0f / __builtin_sqrtf(variance + 1e-5f) + (variance - variance);
    for (size_t i = 0; i < d; i++) out[r * ld + i] = multiply_add(bias[i], (row[i] - mean) * rate, gain[i]);
  }
}

void lf_gelu(float *x, size_t rows, size_t n, size_t ld) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t i = 0; i < n; i++) {
      const lf_lane v = x[r * ld + i];
      lf_lane u = v * multiply_add(-1.5957691216057308f, v * v, -0.07135481627f);
      u = 88.0f < u ? 88.0f : u;
      x[r * ld + i] = v / (1.0f + lf_exp(u));
    }
  }
}

void lf_softmax_block(float *scores, size_t ld, float *row_max, float *row_sum, float *ctx, size_t ld_ctx, size_t rows,
                      size_t n, size_t n_ctx) {
  for (size_t r = 0; r < rows; r++) {
    float *row = scores + r * ld;
    float top[4] = {row_max[r], row_max[r], row_max[r], row_max[r]};
    for (size_t i = 0; i < n; i++) top[i % 4] = top[i % 4] < row[i] ? row[i] : top[i % 4];
    const float low = top[0] < top[1] ? top[1] : top[0];
    const float high = top[2] < top[3] ? top[3] : top[2];
    const float m = low < high ? high : low;

    float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (size_t i = 0; i < n; i++) {
      row[i] = lf_exp(row[i] - m);
      sum[i % 4] = sum[i % 4] + row[i];
    }

    if (row_sum[r] != 0.0f) {
      const float correction = lf_exp(row_max[r] - m);
      row_sum[r] = row_sum[r] * correction;
      lf_scale(ctx + r * ld_ctx, correction, n_ctx);
    }
    row_sum[r] = row_sum[r] + ((sum[0] + sum[1]) + (sum[2] + sum[3]));
    row_max[r] = m;
  }
}

void lf_divide_rows(float *out, size_t ld_out, const float *in, size_t ld_in, const float *row_sum, size_t rows,
                    size_t n) {
  for (size_t r = 0; r < rows; r++) {
    const float factor = 1.0f / row_sum[r];
    for (size_t i = 0; i < n; i++) out[r * ld_out + i] = in[r * ld_in + i] * factor;
  }
}

void lf_add(float *out, const float *in, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = out[i] + in[i];
}

void lf_max(float *out, const float *in, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = out[i] < in[i] ? in[i] : out[i];
}

void lf_multiply_add(float *out, const float *a, const float *b, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = multiply_add(out[i], a[i], b[i]);
}

void lf_scale(float *out, float factor, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = out[i] * factor;
}

/* A half's exponent and fraction, shifted into a float's place, are the value times 2^-112: one exact product mends
 * that, subnormals included. Infinities and NaN do not occur: lf_set_tensor refuses them. */
void lf_widen_f16(float *out, const uint16_t *in, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint16_t half;
    memcpy(&half, in + i, sizeof half);
    uint32_t bits = (uint32_t)(half & 0x7fffu) << 13;
    lf_lane value;
    memcpy(&value, &bits, sizeof value);
    value = value * 0x1p112f;
    memcpy(&bits, &value, sizeof bits);
    bits |= (uint32_t)(half & 0x8000u) << 16;
    memcpy(out + i, &bits, sizeof bits);
  }
}

void lf_widen_i8(float *out, const int8_t *in, float scale, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = (float)in[i] * scale;
}
