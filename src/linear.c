/* linear.c - the linear maps, in floats or in 8 bits, as the map is packed */
#include "run.h"

void lf_linear_rows(lf_worker *worker, lf_rows out, lf_rows in, const lf_linear *linear, lf_mode mode, size_t rows) {
  if (linear->weight.data != NULL) {
    lf_gemm(out, in, linear->weight, linear->bias, mode, rows);
    return;
  }
  lf_quantise(worker->quantised, in, rows, linear->quantised.n_in);
  lf_gemm_int8(out, worker->quantised, linear->quantised, linear->bias, mode, rows);
}

void lf_gelu_linear_rows(lf_worker *worker, lf_rows out, lf_rows in, const lf_linear *linear, size_t rows) {
  if (linear->weight.data != NULL) {
    lf_gelu(in, rows, linear->weight.n_in);
    lf_gemm(out, in, linear->weight, linear->bias, LF_ADD, rows);
    return;
  }
  lf_gelu_quantise(worker->quantised, in, rows, linear->quantised.n_in);
  lf_gemm_int8(out, worker->quantised, linear->quantised, linear->bias, LF_ADD, rows);
}

void lf_linear_input(lf_worker *worker, lf_rows in, const lf_linear *linear, size_t rows) {
  if (linear->weight.data == NULL) lf_quantise(worker->quantised, in, rows, linear->quantised.n_in);
}

void lf_linear_columns(lf_worker *worker, lf_rows out, lf_rows in, const lf_linear *linear, size_t first_out,
                       size_t n_out, size_t rows) {
  const float *bias = linear->bias + first_out;
  if (linear->weight.data != NULL) {
    lf_panels w = linear->weight;
    w.data += first_out * w.n_in;
    w.n_out = n_out;
    lf_gemm(out, in, w, bias, LF_SET, rows);
    return;
  }
  lf_quantised_panels w = linear->quantised;
  w.data += first_out / LF_LANES * w.panel_stride;
  w.scale += first_out;
  w.sum += first_out;
  w.n_out = n_out;
  lf_gemm_int8(out, worker->quantised, w, bias, LF_SET, rows);
}
