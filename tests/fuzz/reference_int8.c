/* reference_int8.c - where the reference rounds to 8 bits, as kernels.h has it. */
#include "reference_pass.h"

#include <math.h>
#include <stdlib.h>

/* What single precision may be off by in an activation, in units of the largest of its row. */
static const double ACTIVATION_ERROR = 2e-5;

/* The whole number nearest to `place`, which single precision knows but for `error`. */
static double nearest(pass *p, double place, double error) {
  if (fabs(fabs(place - floor(place)) - 0.5) <= error) p->close = 1;
  return rint(place);
}

/* n activations become offset + scale * quantised, 0 .. 127. */
void reference_round_row(pass *p, double *out, const double *in, size_t n) {
  double least = in[0];
  double most = in[0];
  for (size_t i = 0; i < n; i++) {
    least = fmin(least, in[i]);
    most = fmax(most, in[i]);
  }
  const double range = most - least;
  const double error = 127.0 * ACTIVATION_ERROR * fmax(fabs(least), fabs(most)) / range;
  for (size_t i = 0; i < n; i++) {
    const int end = in[i] <= least || in[i] >= most; /* 0 and 127 */
    const double place = (in[i] - least) / range * 127.0;
    out[i] = range > 1e-30 ? least + range / 127.0 * nearest(p, place, end ? 0.0 : error) : least;
  }
  if (range > 0.0 && (range < 1e-28 || error > 0.4)) p->close = 1;
}

/* n values, `stride` apart, become scale * quantised, -127 .. 127: a key, or one channel of values. */
void reference_round_output(pass *p, double *values, size_t stride, size_t n) {
  double largest = 0.0;
  for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(values[i * stride]));
  const double scale = largest / 127.0;
  for (size_t i = 0; i < n; i++) {
    double *value = &values[i * stride];
    const double error = fabs(*value) < largest ? 127.0 * ACTIVATION_ERROR : 0.0;
    *value = scale < 1e-30 ? 0.0 : scale * nearest(p, *value / scale, error);
  }
}

/* The exp of values that are quantised next: 2^j p(f), in kernels.h's words with a relative error below 1.1e-4. */
double reference_coarse_exp(pass *p, double x) {
  const double place = fmax(x, -87.0) / 0.69314718055994530942;
  const double j = nearest(p, place, 1e-5);
  const double f = place - j;
  return ldexp(((0.05500892 * f + 0.24221095) * f + 0.6932829) * f + 1.0, (int)j);
}

/* Scores of n keys become the numerators scale * quantised of their probabilities, block by block, all relative to `top`. */
void reference_round_numerators(pass *p, double *scores, double top, size_t n) {
  for (size_t first = 0; first < n; first += KEY_BLOCK) {
    const size_t end = n - first < KEY_BLOCK ? n : first + KEY_BLOCK;
    double block_top = -INFINITY;
    for (size_t j = first; j < end; j++) block_top = fmax(block_top, scores[j]);
    const double scale = exp(fmax(block_top - top, -87.0)) / 127.0;
    for (size_t j = first; j < end; j++) {
      const double y = reference_coarse_exp(p, scores[j] - block_top);
      const double error = y * ACTIVATION_ERROR * (1.0 + fabs(scores[j]) + fabs(block_top));
      scores[j] = scale * nearest(p, 127.0 * y, scores[j] < block_top ? 127.0 * error : 0.0);
    }
  }
}

/* Row `row` of a weight, quantised, and its scale; in single precision, as the engine does it once and for all. */
float reference_quantise_weight(float *quantised, const reference_tensor *weight, size_t row, size_t n) {
  if (weight->quantised != NULL) {
    for (size_t i = 0; i < n; i++) quantised[i] = (float)weight->quantised[row * n + i];
    return weight->scales[row];
  }
  const float *values = weight->values + row * n;
  float largest = 0.0f;
  for (size_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(values[i]));
  const float scale = largest / 127.0f < 1e-30f ? 0.0f : largest / 127.0f;
  for (size_t i = 0; i < n; i++) quantised[i] = scale > 0.0f ? rintf(values[i] / scale) : 0.0f;
  return scale;
}

/* out [k, d] = E h of linear projection in 8 bits: E's rows have one scale each, h one for each channel and tile. */
void reference_project_int8(pass *p, double *out, const double *h, const reference_tensor *E, size_t first_row,
                            size_t k, size_t n) {
  enum { WIDEST = 4096, CHANNELS = 512 };
  static float quantised[WIDEST];
  static double columns[CHANNELS][LF_TILE];
  const size_t n_max = (size_t)p->model->config.n_max;
  const size_t d = (size_t)p->model->config.d_model;
  if (n_max > WIDEST || d > CHANNELS) abort();
  for (size_t j = 0; j < k * d; j++) out[j] = 0.0;
  for (size_t first = 0; first < n; first += LF_TILE) {
    const size_t rows = n - first < LF_TILE ? n - first : LF_TILE;
    for (size_t i = 0; i < d; i++) {
      for (size_t t = 0; t < rows; t++) columns[i][t] = h[(first + t) * d + i];
      reference_round_row(p, columns[i], columns[i], rows);
    }
    for (size_t j = 0; j < k; j++) {
      const double scale = (double)reference_quantise_weight(quantised, E, first_row + j, n_max);
      for (size_t i = 0; i < d; i++) {
        for (size_t t = 0; t < rows; t++) {
          out[j * d + i] += stored(p, columns[i][t] * (double)quantised[first + t] * scale);
        }
      }
    }
  }
}
