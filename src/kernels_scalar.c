/* kernels_scalar.c - the reference kernels: kernels.h in plain C, order for order what kernels_simd128.c does */
#include <string.h>

#include "kernels.h"
#include "lane_scalar.h"

void lf_gemm(lf_rows out, lf_rows in, lf_panels w, const float *bias, lf_mode mode, size_t rows) {
  for (size_t j = 0; j < lf_pad(w.n_out); j += LF_LANES) {
    const float *panel = w.data + j / LF_LANES * w.panel_stride;
    for (size_t r = 0; r < rows; r++) {
      float *to = out.data + r * out.ld + j;
      const float *row = in.data + r * in.ld;
      for (size_t lane = 0; lane < LF_LANES; lane++) {
        lf_lane acc = mode == LF_ADD ? to[lane] : 0.0f;
        if (bias != NULL) acc = acc + bias[j + lane];
        for (size_t i = 0; i < w.n_in; i++) acc = multiply_add(acc, row[i], panel[i * w.row_stride + lane]);
        to[lane] = acc;
      }
    }
  }
}

void lf_layer_norm(lf_rows out, lf_rows in, const float *gain, const float *bias, size_t rows, size_t d) {
  const float count = (float)d;
  for (size_t r = 0; r < rows; r++) {
    const float *row = in.data + r * in.ld;
    float *to = out.data + r * out.ld;
    float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (size_t i = 0; i < d; i++) sum[i % 4] = sum[i % 4] + row[i];
    const float mean = combine(sum) / count;

    float square[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (size_t i = 0; i < d; i++) {
      const float centred = row[i] - mean;
      square[i % 4] = multiply_add(square[i % 4], centred, centred);
    }
    const float variance = combine(square) / count;
    /* A variance that overflows would leave the bias alone, a result like any other; the difference makes it NaN. */
    const float rate = 1.0f / __builtin_sqrtf(variance + LF_NORM_EPSILON) + (variance - variance);
    for (size_t i = 0; i < d; i++) to[i] = multiply_add(bias[i], (row[i] - mean) * rate, gain[i]);
  }
}

void lf_gelu(lf_rows x, size_t rows, size_t n) {
  for (size_t r = 0; r < rows; r++) {
    float *row = x.data + r * x.ld;
    for (size_t i = 0; i < n; i++) row[i] = row[i] / (1.0f + lf_exp(gelu_exponent(row[i])));
  }
}

void lf_softmax_block(lf_rows scores, lf_softmax state, size_t rows, size_t n) {
  for (size_t r = 0; r < rows; r++) {
    float *row = scores.data + r * scores.ld;
    float top[4] = {state.max[r], state.max[r], state.max[r], state.max[r]};
    for (size_t i = 0; i < n; i++) top[i % 4] = top[i % 4] < row[i] ? row[i] : top[i % 4];
    const float low = top[0] < top[1] ? top[1] : top[0];
    const float high = top[2] < top[3] ? top[3] : top[2];
    const float max = low < high ? high : low;

    float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (size_t i = 0; i < n; i++) {
      row[i] = lf_exp(row[i] - max);
      sum[i % 4] = sum[i % 4] + row[i];
    }
    raise_max(state, r, max);
    state.sum[r] = state.sum[r] + combine(sum);
  }
}

void lf_divide_rows(lf_rows out, lf_rows in, const float *sum, size_t rows, size_t n) {
  for (size_t r = 0; r < rows; r++) {
    const float factor = 1.0f / sum[r];
    for (size_t i = 0; i < n; i++) out.data[r * out.ld + i] = in.data[r * in.ld + i] * factor;
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

void lf_importance(float *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const float v = x[i] < -LF_IMPORTANCE_LIMIT ? -LF_IMPORTANCE_LIMIT : x[i];
    x[i] = lf_exp(LF_IMPORTANCE_LIMIT < v ? LF_IMPORTANCE_LIMIT : v);
  }
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
