/* kernels_int8_scalar.c - products of 8 bits, the reference, order for order what kernels_int8_simd128.c does */
#include "kernels.h"
#include "lane_scalar.h"

void lf_gemm_int8(lf_rows out, lf_quantised_rows in, lf_quantised_panels w, const float *bias, lf_mode mode,
                  size_t rows) {
  for (size_t j = 0; j < lf_pad(w.n_out); j++) {
    for (size_t r = 0; r < rows; r++) {
      const uint8_t *row = in.data + r * in.ld;
      float *to = out.data + r * out.ld + j;
      int32_t dot = 0;
      for (size_t i = 0; i < w.n_in; i++) {
        dot += (int32_t)row[i] * (int32_t)w.data[lf_quantised_index(w.panel_stride, j, i)];
      }
      const float start = bias != NULL ? bias[j] : 0.0f;
      const lf_lane acc = mode == LF_ADD ? *to + start : start;
      lf_lane y = (float)dot * in.scale[r];
      if (in.offset != NULL) y = multiply_add(y, in.offset[r], w.sum[j]);
      *to = multiply_add(acc, y, w.scale[j]);
    }
  }
}
