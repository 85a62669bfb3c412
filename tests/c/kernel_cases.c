/* kernel_cases.c - every kernel over odd sizes */
#include <math.h>
#include <string.h>

#include "cases.h"
#include "kernels.h"
#include "random.h"

typedef int32_t (*case_function)(float *out, size_t rows, size_t n, size_t m, uint32_t *state);

enum { AREA = 1 << 15 };
static float input[AREA];
static float weights[AREA];
static float bias[AREA];
static float work[AREA];

/* Copies the n real columns of rows with stride ld, so that padding is not compared. */
static int32_t gather(float *out, const float *from, size_t ld, size_t rows, size_t n) {
  for (size_t r = 0; r < rows; r++) memcpy(out + r * n, from + r * ld, n * sizeof *out);
  return (int32_t)(rows * n);
}

static lf_rows rows_of(float *data, size_t ld) { return (lf_rows){.data = data, .ld = ld}; }

static int32_t gemm(float *out, size_t rows, size_t n_in, size_t n_out, uint32_t *state, lf_mode mode) {
  const size_t ld_in = n_in + 3;
  const size_t ld = lf_pad(n_out) + 8;
  const lf_panels w = {
      .data = weights, .panel_stride = n_in * LF_LANES, .row_stride = LF_LANES, .n_in = n_in, .n_out = n_out};
  random_fill(input, rows * ld_in, state, 1.0f);
  random_fill(weights, lf_pad(n_out) * n_in, state, 1.0f);
  random_fill(bias, lf_pad(n_out), state, 1.0f);
  random_fill(work, rows * ld, state, 1.0f);
  lf_gemm(rows_of(work, ld), rows_of(input, ld_in), w, mode == LF_ADD ? NULL : bias, mode, rows);
  return gather(out, work, ld, rows, n_out);
}
static int32_t gemm_bias(float *out, size_t rows, size_t n_in, size_t n_out, uint32_t *state) {
  return gemm(out, rows, n_in, n_out, state, LF_SET);
}
static int32_t gemm_accumulate(float *out, size_t rows, size_t n_in, size_t n_out, uint32_t *state) {
  return gemm(out, rows, n_in, n_out, state, LF_ADD);
}

/* The weights are a row-major matrix, as in p += E h. */
static int32_t gemm_row_major(float *out, size_t rows, size_t n_in, size_t n_out, uint32_t *state) {
  const size_t ld = lf_pad(n_out);
  const lf_panels w = {.data = weights, .panel_stride = LF_LANES, .row_stride = ld, .n_in = n_in, .n_out = n_out};
  random_fill(input, rows * n_in, state, 1.0f);
  random_fill(weights, n_in * ld, state, 1.0f);
  random_fill(work, rows * ld, state, 1.0f);
  lf_gemm(rows_of(work, ld), rows_of(input, n_in), w, NULL, LF_ADD, rows);
  return gather(out, work, ld, rows, n_out);
}

/* Quantised rows, and what they come to as a linear map. */
static uint8_t quantised[AREA];
static int8_t quantised_weights[AREA];

/* Quantised rows with what fills them up, and two values for each row; returns how many. */
static int32_t gather_quantised(float *out, lf_quantised_rows from, size_t rows, size_t n) {
  int32_t count = 0;
  for (size_t r = 0; r < rows; r++) {
    out[count++] = from.scale[r];
    out[count++] = from.offset[r];
    for (size_t i = 0; i < lf_pad_group(n); i++) out[count++] = (float)from.data[r * from.ld + i];
  }
  return count;
}

static int32_t gemm_int8(float *out, size_t rows, size_t n_in, size_t n_out, uint32_t *state) {
  const size_t ld_in = n_in + 3;
  const size_t ld = lf_pad(n_out) + 8;
  lf_quantised_rows in = {.data = quantised, .ld = lf_pad_group(n_in) + 16};
  in.scale = work + rows * ld;
  in.offset = in.scale + rows;
  const lf_mode mode = n_in % 2 == 0 ? LF_ADD : LF_SET;
  const lf_quantised_panels w = {.data = quantised_weights,
                                 .scale = bias + lf_pad(n_out),
                                 .sum = bias + 2 * lf_pad(n_out),
                                 .panel_stride = lf_pad_group(n_in) * LF_LANES,
                                 .n_in = n_in,
                                 .n_out = n_out};
  random_fill(input, rows * ld_in, state, 1.0f);
  random_fill(bias, 3 * lf_pad(n_out), state, 1.0f);
  random_fill(work, rows * ld, state, 1.0f);
  memset(quantised_weights, 0, lf_pad(n_out) * lf_pad_group(n_in));
  for (size_t j = 0; j < n_out; j++) {
    for (size_t i = 0; i < n_in; i++) {
      quantised_weights[lf_quantised_index(w.panel_stride, j, i)] = (int8_t)(random_bits(state) % 256 - 128);
    }
  }
  memset(quantised, 0xff, rows * in.ld);
  lf_quantise(in, rows_of(input, ld_in), rows, n_in);
  lf_quantised_rows without_offset = in;
  without_offset.offset = NULL;
  lf_gemm_int8(rows_of(work, ld), n_out % 2 == 0 ? in : without_offset, w, mode == LF_ADD ? NULL : bias, mode, rows);
  const int32_t count = gather(out, work, ld, rows, n_out);
  return count + gather_quantised(out + count, in, rows, n_in);
}

/* No key seen yet, and something in the context. */
static lf_softmax start_softmax(size_t rows, uint32_t *state) {
  enum { N_CTX = 5 };
  const lf_softmax softmax = {.max = bias, .sum = bias + rows, .ctx = rows_of(weights, lf_pad(N_CTX)), .n_ctx = N_CTX};
  random_fill(weights, rows * lf_pad(N_CTX), state, 1.0f);
  for (size_t r = 0; r < rows; r++) {
    softmax.max[r] = -INFINITY;
    softmax.sum[r] = 0.0f;
  }
  return softmax;
}

/* The accumulators, the sums and the maxima are checked too, over two blocks of keys. */
static int32_t softmax_quantise(float *out, size_t rows, size_t n, size_t scale, uint32_t *state) {
  const size_t ld = lf_pad(n);
  const lf_softmax softmax = start_softmax(rows, state);
  /* The sums are gathered in the place of offsets, which numerators do not have. */
  const lf_quantised_rows probs = {.data = quantised, .ld = ld, .scale = bias + 2 * rows, .offset = softmax.sum};
  int32_t count = 0;
  for (int block = 0; block < 2; block++) {
    random_fill(input, rows * ld, state, (float)scale);
    memset(quantised, 0xff, rows * ld);
    lf_softmax_quantise(probs, rows_of(input, ld), softmax, rows, n);
    count += gather_quantised(out + count, probs, rows, n);
    count += gather(out + count, softmax.ctx.data, softmax.ctx.ld, rows, softmax.n_ctx);
    count += gather(out + count, softmax.max, rows, 1, rows);
  }
  return count;
}

static int32_t gelu_quantise(float *out, size_t rows, size_t n, size_t scale, uint32_t *state) {
  const size_t ld = lf_pad(n);
  random_fill(work, rows * ld, state, (float)scale);
  memset(quantised, 0xff, rows * ld);
  const lf_quantised_rows to = {.data = quantised, .ld = ld, .scale = bias, .offset = bias + rows};
  lf_gelu_quantise(to, rows_of(work, ld), rows, n);
  const int32_t count = gather(out, work, ld, rows, n);
  return count + gather_quantised(out + count, to, rows, n);
}

static int32_t quantise_columns(float *out, size_t rows, size_t n, size_t scale, uint32_t *state) {
  const size_t ld = lf_pad(n);
  const lf_quantised_rows to = {.data = quantised, .ld = lf_pad(rows), .scale = bias, .offset = bias + ld};
  random_fill(input, rows * ld, state, (float)scale);
  memset(quantised, 0xff, ld * to.ld);
  lf_quantise_columns(to, rows_of(input, ld), rows, n);
  return gather_quantised(out, to, n, rows);
}

/* Outputs first .. first + n_out - 1, with what fills up their last group. */
static int32_t gather_weights(float *out, lf_quantised_panels from, size_t first, size_t n_out) {
  int32_t count = 0;
  for (size_t j = first; j < first + n_out; j++) {
    out[count++] = from.scale[j];
    out[count++] = from.sum[j];
    for (size_t i = 0; i < lf_pad_group(from.n_in); i++) {
      out[count++] = (float)from.data[lf_quantised_index(from.panel_stride, j, i)];
    }
  }
  return count;
}

/* The first row is zero, the second so small that it counts as that. */
static int32_t quantise_weights(float *out, size_t rows, size_t n_in, size_t scale, uint32_t *state) {
  const size_t ld = n_in + 3;
  const size_t first = LF_LANES;
  const lf_quantised_panels to = {.data = quantised_weights,
                                  .scale = bias,
                                  .sum = bias + first + lf_pad(rows),
                                  .panel_stride = lf_pad_group(n_in) * LF_LANES,
                                  .n_in = n_in};
  random_fill(input, rows * ld, state, (float)scale);
  for (size_t i = 0; i < 2 * ld && rows > 2; i++) input[i] = i < ld ? 0.0f : input[i] * 1e-33f;
  memset(quantised_weights, 0x55, sizeof quantised_weights);
  lf_quantise_weights(to, first, rows_of(input, ld), rows);
  return gather_weights(out, to, first, rows);
}

static int32_t quantise_weight_columns(float *out, size_t n_in, size_t n_out, size_t scale, uint32_t *state) {
  const size_t ld = lf_pad(n_out);
  const lf_quantised_panels to = {.data = quantised_weights,
                                  .scale = bias,
                                  .sum = bias + ld,
                                  .panel_stride = lf_pad_group(n_in) * LF_LANES,
                                  .n_in = n_in,
                                  .n_out = n_out};
  random_fill(input, n_in * ld, state, (float)scale);
  for (size_t i = 0; i < n_in; i++) input[i * ld] = 0.0f;
  memset(quantised_weights, 0x55, sizeof quantised_weights);
  lf_quantise_weight_columns(to, rows_of(input, ld));
  return gather_weights(out, to, 0, n_out);
}

static int32_t layer_norm(float *out, size_t rows, size_t d, size_t constant, uint32_t *state) {
  const size_t ld = lf_pad(d);
  random_fill(input, rows * ld, state, constant ? 0.0f : 3.0f);
  random_fill(weights, ld, state, 1.0f);
  random_fill(bias, ld, state, 1.0f);
  lf_layer_norm(rows_of(work, ld), rows_of(input, ld), weights, bias, rows, d);
  return gather(out, work, ld, rows, d);
}

static int32_t gelu(float *out, size_t rows, size_t n, size_t scale, uint32_t *state) {
  const size_t ld = lf_pad(n);
  random_fill(work, rows * ld, state, (float)scale);
  lf_gelu(rows_of(work, ld), rows, n);
  return gather(out, work, ld, rows, n);
}

/* Two blocks of keys; out receives the numerators, the sums, the maxima and the rescaled ctx. */
static int32_t softmax(float *out, size_t rows, size_t n, size_t scale, uint32_t *state) {
  const size_t ld = lf_pad(n);
  const lf_softmax softmax = start_softmax(rows, state);
  int32_t count = 0;
  for (int block = 0; block < 2; block++) {
    random_fill(work, rows * ld, state, (float)scale);
    lf_softmax_block(rows_of(work, ld), softmax, rows, n);
    count += gather(out + count, work, ld, rows, n);
    count += gather(out + count, softmax.ctx.data, softmax.ctx.ld, rows, softmax.n_ctx);
    count += gather(out + count, bias, 2 * rows, 1, 2 * rows);
  }
  return count;
}

static int32_t divide_rows(float *out, size_t rows, size_t n, size_t offset, uint32_t *state) {
  const size_t ld = lf_pad(n + offset);
  random_fill(input, rows * lf_pad(n), state, 1.0f);
  random_fill(work, rows * ld, state, 1.0f);
  for (size_t r = 0; r < rows; r++) bias[r] = 1.5f + (float)r;
  lf_divide_rows(rows_of(work + offset, ld), rows_of(input, lf_pad(n)), bias, rows, n);
  return gather(out, work, ld, rows, n + offset); /* what lies before must be untouched */
}

static int32_t elementwise(float *out, size_t rows, size_t n, size_t unused, uint32_t *state) {
  (void)unused;
  int32_t count = 0;
  for (size_t r = 0; r < rows; r++) {
    random_fill(work, lf_pad(n), state, 1.0f);
    random_fill(input, lf_pad(n), state, 1.0f);
    random_fill(weights, lf_pad(n), state, 1.0f);
    lf_add(work, input, n);
    lf_max(work, weights, n);
    lf_multiply_add(work, input, weights, n);
    lf_scale(work, 0.37f, n);
    count += gather(out + count, work, n, 1, n);
  }
  return count;
}

/* Far enough out to be clamped on both sides. */
static int32_t importance(float *out, size_t rows, size_t n, size_t scale, uint32_t *state) {
  (void)rows;
  random_fill(work, lf_pad(n), state, (float)scale);
  lf_importance(work, n);
  return gather(out, work, n, 1, n);
}

static int32_t widen_f16(float *out, size_t rows, size_t n, size_t first, uint32_t *state) {
  (void)rows;
  (void)state;
  uint16_t halves[4096];
  for (size_t i = 0; i < n; i++) halves[i] = (uint16_t)((first + i * 13) % 0x7c00u) | (uint16_t)(i % 2 << 15);
  memset(work, 0, (n + 8) * sizeof *work);
  lf_widen_f16(work, halves, n);
  return gather(out, work, n + 8, 1, n + 8); /* nothing beyond n may be written */
}

static int32_t widen_i8(float *out, size_t rows, size_t n, size_t offset, uint32_t *state) {
  (void)rows;
  int8_t bytes[4096 + 8];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (int8_t)(random_bits(state) % 256 - 128);
  memset(work, 0, (n + 8) * sizeof *work);
  lf_widen_i8(work, bytes + offset, 0.0123f, n);
  return gather(out, work, n + 8, 1, n + 8);
}

typedef struct kernel_case {
  const char *name;
  case_function run;
  size_t rows, n, m;
} kernel_case;

#define SIZES(name, run)                                                                                               \
  {name, run, 1, 1, 1}, {name, run, 2, 3, 5}, {name, run, 3, 8, 8}, {name, run, 4, 7, 9}, {name, run, 5, 16, 17},      \
      {name, run, 6, 31, 33}, {name, run, 7, 64, 2}, {name, run, 13, 20, 40}, {name, run, 48, 128, 128},               \
      {name, run, 47, 33, 65}

static const kernel_case cases[] = {
    SIZES("gemm with bias", gemm_bias),
    SIZES("gemm accumulating", gemm_accumulate),
    SIZES("gemm row-major", gemm_row_major),
    SIZES("gemm int8", gemm_int8),
    SIZES("softmax", softmax),
    SIZES("softmax quantised", softmax_quantise),
    SIZES("gelu quantised", gelu_quantise),
    SIZES("columns quantised", quantise_columns),
    SIZES("divide rows", divide_rows),
    SIZES("elementwise", elementwise),
    {"layer norm", layer_norm, 1, 1, 0},
    {"layer norm", layer_norm, 3, 5, 0},
    {"layer norm", layer_norm, 48, 128, 0},
    {"layer norm", layer_norm, 7, 131, 0},
    {"layer norm of constant rows", layer_norm, 2, 19, 1},
    {"gelu", gelu, 1, 1, 1},
    {"gelu", gelu, 5, 17, 10},
    {"gelu far out", gelu, 3, 64, 30000},
    {"softmax of extreme scores", softmax, 4, 37, 100000},
    {"softmax of extreme scores, quantised", softmax_quantise, 4, 37, 100000},
    {"gelu far out, quantised", gelu_quantise, 3, 64, 30000},
    {"widen F16, small numbers", widen_f16, 1, 2047, 0},
    {"widen F16, large numbers", widen_f16, 1, 1001, 20000},
    {"widen I8", widen_i8, 1, 1, 0},
    {"widen I8", widen_i8, 1, 4095, 3},
    {"widen I8", widen_i8, 1, 48, 5},
    {"importance", importance, 1, 48, 30},
    {"importance", importance, 1, 5, 1},
    SIZES("weights quantised", quantise_weights),
    SIZES("weight columns quantised", quantise_weight_columns),
};

int32_t kernel_case_count(void) { return (int32_t)(sizeof cases / sizeof cases[0]); }

const char *kernel_case_name(int32_t index) { return cases[index].name; }

int32_t kernel_case_run(int32_t index, float *out) {
  uint32_t state = 2463534242u + (uint32_t)index;
  const kernel_case *it = &cases[index];
  return it->run(out, it->rows, it->n, it->m, &state);
}
