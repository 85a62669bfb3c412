/* linear.c - the linear maps, by floats or by codes of 8 bits */
#include "run.h"

void lf_linear_rows(lf_worker *worker, float *out, size_t ld_out, const float *in, size_t ld_in,
                    const lf_linear *linear, int accumulate, size_t rows, size_t n_in, size_t n_out) {
  if (linear->weight != NULL) {
    const lf_panels w = {.data = linear->weight, .panel_stride = n_in * LF_LANES, .row_stride = LF_LANES};
    lf_gemm(out, ld_out, in, ld_in, w, linear->bias, accumulate, rows, n_in, n_out);
    return;
  }
  const size_t ld_codes = worker->run->ld_codes;
  lf_quantise(worker->codes, ld_codes, worker->step, worker->low, in, ld_in, rows, n_in);
  lf_gemm_codes(out, ld_out, worker->codes, ld_codes, worker->step, worker->low, linear->codes, linear->bias,
                accumulate, rows, n_in, n_out);
}

void lf_gelu_linear_rows(lf_worker *worker, float *out, size_t ld_out, float *in, size_t ld_in, const lf_linear *linear,
                         size_t rows, size_t n_in, size_t n_out) {
  if (linear->weight != NULL) {
    lf_gelu(in, rows, n_in, ld_in);
    lf_linear_rows(worker, out, ld_out, in, ld_in, linear, 1, rows, n_in, n_out);
    return;
  }
  const size_t ld_codes = worker->run->ld_codes;
  lf_gelu_quantise(worker->codes, ld_codes, worker->step, worker->low, in, ld_in, rows, n_in);
  lf_gemm_codes(out, ld_out, worker->codes, ld_codes, worker->step, worker->low, linear->codes, linear->bias, 1, rows,
                n_in, n_out);
}

void lf_linear_columns(float *out, size_t ld_out, const float *in, size_t ld_in, const lf_linear *linear,
                       size_t first_out, size_t rows, size_t n_in, size_t n_out) {
  const lf_panels w = {
      .data = linear->weight + first_out * n_in, .panel_stride = n_in * LF_LANES, .row_stride = LF_LANES};
  lf_gemm(out, ld_out, in, ld_in, w, linear->bias + first_out, 0, rows, n_in, n_out);
}
