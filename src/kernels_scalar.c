/* kernels_scalar.c - the reference kernels: kernels.h in plain C, order for order what kernels_simd128.c does */
#include <string.h>

#include "kernels.h"
#include "lane_scalar.h"

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
