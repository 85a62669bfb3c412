/* test_numerics.c - the bounds that kernels.h states, against float64 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "check.h"
#include "kernels.h"

static lf_rows row_of(float *row) { return (lf_rows){.data = row}; }

/* A softmax of one row, over values of one channel. */
static lf_softmax softmax_of(float *max, float *sum, float *ctx) {
  return (lf_softmax){.max = max, .sum = sum, .ctx = row_of(ctx), .n_ctx = 1};
}

/* exp, seen through the numerators of a softmax whose maximum is 0. */
static void exponential(void) {
  double worst = 0.0;
  for (int i = 0; i < 8700000; i++) {
    float row[8] = {-1e-5f * (float)i};
    const double x = (double)row[0];
    float max = 0.0f;
    float sum = 0.0f;
    float ctx[8] = {0.0f};
    lf_softmax_block(row_of(row), softmax_of(&max, &sum, ctx), 1, 1);
    worst = fmax(worst, fabs((double)row[0] / exp(x) - 1.0));
  }
  printf("exp on [-87, 0]: largest relative error %.2e\n", worst);
  CHECK(worst < 3e-7);
}

static void gelu(void) {
  double worst = 0.0;
  for (int i = -10000000; i <= 10000000; i += 3) {
    float x[8] = {1e-6f * (float)i};
    const double v = (double)x[0];
    lf_gelu(row_of(x), 1, 1);
    const double u = 1.5957691216057308 * (v + 0.044715 * v * v * v);
    worst = fmax(worst, fabs((double)x[0] - v / (1.0 + exp(-u))));
  }
  printf("gelu on [-10, 10]: largest absolute error %.2e\n", worst);
  CHECK(worst < 1e-6);
  const float far[] = {-FLT_MAX, -1e30f, -1000.0f, -30.0f, 30.0f, 1000.0f, 1e30f, FLT_MAX, 0.0f};
  for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
    float x[8] = {far[i]};
    lf_gelu(row_of(x), 1, 1);
    CHECK(isfinite(x[0]));
    if (far[i] >= 0.0f) {
      CHECK(x[0] == far[i]);
    } else {
      CHECK(fabsf(x[0]) <= fabsf(far[i]) * 1e-30f);
    }
  }
}

/* A softmax in blocks is the softmax; scores of any size leave it finite and its rows summing to 1. */
static void softmax(void) {
  enum { N = 300 };
  const float scales[] = {0.0f, 1.0f, 30.0f, 1e5f, 3e38f};
  for (size_t s = 0; s < sizeof scales / sizeof scales[0]; s++) {
    float scores[304];
    double exact[N];
    double top = -INFINITY;
    double total = 0.0;
    for (int i = 0; i < N; i++) {
      scores[i] = scales[s] * sinf((float)i * 1.7f) * 0.5f;
      exact[i] = (double)scores[i];
      top = fmax(top, exact[i]);
    }
    for (int i = 0; i < N; i++) total += exp(exact[i] - top);

    const float ones[8] = {1.0f};
    float max = -INFINITY;
    float sum = 0.0f;
    float ctx[8] = {0.0f};
    for (int first = 0; first < N; first += 128) {
      const int count = N - first < 128 ? N - first : 128;
      lf_softmax_block(row_of(scores + first), softmax_of(&max, &sum, ctx), 1, (size_t)count);
      for (int i = 0; i < count; i++) ctx[0] += scores[first + i] * ones[0];
    }
    CHECK(fabs((double)sum / total - 1.0) < 1e-5);
    CHECK(fabs((double)ctx[0] / (double)sum - 1.0) < 1e-5);
    CHECK((double)max == top);
  }
}

static void layer_norm(void) {
  enum { D = 131, LD = 136 };
  float x[LD];
  float y[LD];
  float gain[LD];
  float bias[LD];
  const float offsets[] = {0.0f, 1.0f, 1000.0f};
  for (int i = 0; i < D; i++) {
    gain[i] = 1.0f;
    bias[i] = 0.0f;
  }
  for (size_t s = 0; s < sizeof offsets / sizeof offsets[0]; s++) {
    double mean = 0.0;
    double variance = 0.0;
    for (int i = 0; i < D; i++) {
      x[i] = offsets[s] + sinf((float)i);
      mean += (double)x[i] / (double)D;
    }
    for (int i = 0; i < D; i++) variance += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)D;
    lf_layer_norm(row_of(y), row_of(x), gain, bias, 1, D);
    double worst = 0.0;
    for (int i = 0; i < D; i++) {
      worst = fmax(worst, fabs((double)y[i] - ((double)x[i] - mean) / sqrt(variance + 1e-5)));
    }
    printf("layer norm of values about %g: largest absolute error %.2e\n", (double)offsets[s], worst);
    CHECK(worst < 2e-4);
  }
  for (int i = 0; i < D; i++) x[i] = 7.25f;
  lf_layer_norm(row_of(y), row_of(x), gain, bias, 1, D);
  for (int i = 0; i < D; i++) CHECK(y[i] == 0.0f);

  /* Values whose squares overflow must not come out as the bias, which looks like a result. */
  const float large[] = {1e20f, FLT_MAX};
  for (size_t s = 0; s < sizeof large / sizeof large[0]; s++) {
    for (int i = 0; i < D; i++) x[i] = i % 2 ? large[s] : -large[s];
    lf_layer_norm(row_of(y), row_of(x), gain, bias, 1, D);
    for (int i = 0; i < D; i++) CHECK(isnan(y[i]));
  }
}

/* Scores that all overflow downwards: no shares rather than equal ones. */
static void softmax_overflow(void) {
  float scores[8] = {-INFINITY, -INFINITY, -INFINITY};
  float max = -INFINITY;
  float sum = 0.0f;
  float ctx[8] = {0.0f};
  lf_softmax_block(row_of(scores), softmax_of(&max, &sum, ctx), 1, 3);
  CHECK(isnan(sum));
}

/* Quantised values are the nearest, and their linear map is exact but for the rounding of its result. */
static void quantised(void) {
  enum { ROWS = 5, N = 37, OUT = 8, LD = 40 };
  float in[ROWS * LD];
  uint8_t value[ROWS * LD];
  float row_scale[ROWS];
  float offset[ROWS];
  float out[ROWS * LF_LANES];
  float scale[LF_LANES];
  float sum[LF_LANES] = {0.0f};
  int8_t weights[LF_LANES * LD] = {0};
  const lf_rows from = {.data = in, .ld = LD};
  const lf_quantised_rows rows = {.data = value, .ld = LD, .scale = row_scale, .offset = offset};
  const lf_quantised_panels w = {
      .data = weights, .scale = scale, .sum = sum, .panel_stride = lf_pad_group(N) * LF_LANES, .n_in = N, .n_out = OUT};
  for (int r = 0; r < ROWS; r++) {
    for (int i = 0; i < N; i++) in[r * LD + i] = r == 4 ? 2.5f : powf(10.0f, (float)r) * sinf((float)(i * i + r));
  }
  for (size_t j = 0; j < OUT; j++) {
    int total = 0;
    scale[j] = 0.01f * (float)(j + 1);
    for (size_t i = 0; i < N; i++) {
      const int weight = (int)(i * 37 + j * 11) % 256 - 128;
      weights[lf_quantised_index(w.panel_stride, j, i)] = (int8_t)weight;
      total += weight;
    }
    sum[j] = (float)total;
  }
  lf_quantise(rows, from, ROWS, N);
  lf_gemm_int8((lf_rows){.data = out, .ld = LF_LANES}, rows, w, NULL, LF_SET, ROWS);
  double worst = 0.0;
  for (int r = 0; r < ROWS; r++) {
    for (int i = 0; i < N; i++) {
      CHECK(value[r * LD + i] <= LF_QUANTISED_MAX);
      const double back = (double)offset[r] + (double)row_scale[r] * (double)value[r * LD + i];
      CHECK(fabs(back - (double)in[r * LD + i]) <= 0.5001 * (double)row_scale[r]);
    }
    for (int j = 0; j < OUT; j++) {
      double exact = 0.0;
      double size = 0.0;
      for (size_t i = 0; i < N; i++) {
        const double back = (double)offset[r] + (double)row_scale[r] * (double)value[(size_t)r * LD + i];
        const double term = back * (double)scale[j] * (double)weights[lf_quantised_index(w.panel_stride, (size_t)j, i)];
        exact += term;
        size += fabs(term);
      }
      worst = fmax(worst, fabs((double)out[r * LF_LANES + j] - exact) / size);
    }
  }
  printf("linear map in 8 bits: largest difference %.2e of the sum of magnitudes\n", worst);
  CHECK(worst < 1e-6);

  in[3] = NAN; /* must not be lost */
  in[LD + 5] = INFINITY;
  lf_quantise(rows, from, ROWS, N);
  CHECK(isnan(row_scale[0]) && !isfinite(row_scale[1]) && isfinite(row_scale[2]));
  for (int i = 0; i < 2 * LD; i++) CHECK(i % LD >= N || value[i] <= LF_QUANTISED_MAX);
}

static double half_value(unsigned bits) {
  const int exponent = (int)(bits >> 10 & 31);
  const double fraction = (double)(bits & 1023) / 1024.0;
  const double magnitude = exponent == 0 ? ldexp(fraction, -14) : ldexp(1.0 + fraction, exponent - 15);
  return bits >> 15 ? -magnitude : magnitude;
}

/* Every finite half and every int8. */
static void widening(void) {
  for (unsigned bits = 0; bits < 65536; bits++) {
    const uint16_t half = (uint16_t)bits;
    float value;
    if ((bits >> 10 & 31) == 31) continue;
    lf_widen_f16(&value, &half, 1);
    if ((double)value != half_value(bits)) printf("half %04x is %g\n", bits, (double)value);
    CHECK((double)value == half_value(bits));
  }
  for (int i = -128; i < 128; i++) {
    const int8_t byte = (int8_t)i;
    float value;
    lf_widen_i8(&value, &byte, 0.1f, 1);
    CHECK(value == (float)i * 0.1f);
  }
}

/* Weights so small that their scale is rounded to a few bits. */
static void small_weights(void) {
  const float largest[] = {1e-45f, 1e-44f, 1e-43f, 1e-40f, 1e-38f, 1.0f, FLT_MAX};
  for (size_t i = 0; i < sizeof largest / sizeof largest[0]; i++) {
    const float scale = lf_weight_scale(largest[i]);
    const int8_t value = lf_quantise_weight(largest[i], scale);
    CHECK((value > 0) == (scale > 0.0f));
    CHECK(lf_quantise_weight(-largest[i], scale) == -value);
    if (scale > 0.0f) CHECK(value == LF_QUANTISED_MAX);
    CHECK(lf_quantise_weight(0.0f, scale) == 0);
  }
}

int main(void) {
  small_weights();
  exponential();
  gelu();
  softmax();
  layer_norm();
  softmax_overflow();
  quantised();
  widening();
  return summary();
}
