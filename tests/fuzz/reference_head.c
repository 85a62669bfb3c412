/* reference_head.c - what a head makes of the outputs: pooling, windows, and the share of the words. */
#include "reference_pass.h"

#include <math.h>

/* a_t of all tokens, and the pooled vector. */
double reference_pool(pass *p, const rooms *r, double *pooled, const int32_t *ids, int32_t n) {
  const size_t d = (size_t)p->model->config.d_model;
  const float *s = reference_values_of(p, -1, "pool.token");
  const float *u = reference_values_of(p, -1, "pool.weight");
  double total = 0.0;
  for (int32_t t = 0; t < n; t++) {
    double score = s != NULL ? (double)s[ids[t]] : 0.0;
    for (size_t i = 0; i < d && u != NULL; i++) score += stored(p, r->h[(size_t)t * d + i] * (double)u[i]);
    r->importance[t] = stored(p, exp(fmin(20.0, fmax(-20.0, score))));
    total += r->importance[t];
  }
  for (size_t i = 0; i < d; i++) {
    double sum = 0.0;
    for (int32_t t = 0; t < n; t++) sum += r->importance[t] * r->h[(size_t)t * d + i];
    pooled[i] = stored(p, sum / total);
  }
  return total;
}

/* Each token's share of a word vector of length 1, of a document or a window of n tokens: idf / (sqrt(count) |v|), and the index of
 * its row, or -1. */
int32_t reference_word_of(const pass *p, const int32_t *ids, int32_t n, int32_t t, double *share) {
  const float *known = reference_values_of(p, -1, "words.ids");
  const float *idf = reference_values_of(p, -1, "words.idf");
  double squares = 0.0;
  double own = 0.0;
  int32_t row = -1;
  for (int32_t i = 0; i < p->model->head.words; i++) {
    double count = 0.0;
    for (int32_t j = 0; j < n; j++) count += (double)ids[j] == (double)known[i] ? 1.0 : 0.0;
    squares += count * (double)idf[i] * (double)idf[i];
    if ((double)ids[t] != (double)known[i]) continue;
    row = i;
    own = (double)idf[i] / sqrt(count);
  }
  *share = squares > 0.0 ? own / sqrt(squares) : 0.0;
  return row;
}

/* What the words of a window add to logit c: shares of its tokens. */
static double words_of_window(const pass *p, const int32_t *ids, int32_t n, size_t c) {
  const float *words = reference_values_of(p, -1, "words.weight");
  double sum = 0.0;
  for (int32_t t = 0; t < n && words != NULL; t++) {
    double share;
    const int32_t row = reference_word_of(p, ids, n, t, &share);
    if (row >= 0) sum += share * (double)words[(size_t)row * (size_t)p->model->head.n_classes + c];
  }
  return sum;
}

static double length_of(const double *vector, size_t n) {
  double squares = 0.0;
  for (size_t i = 0; i < n; i++) squares += vector[i] * vector[i];
  return sqrt(squares);
}

/* With directions: each token's share s_t e_t . w / |sum s e|, added to its contribution to logit c. */
static void add_token_shares(pass *p, reference_result *out, const int32_t *ids, int32_t n, size_t c) {
  const size_t d = (size_t)p->model->config.d_model;
  const size_t n_classes = (size_t)p->model->head.n_classes;
  const float *tokens = reference_values_of(p, -1, "embed.token.weight");
  const float *importance = reference_values_of(p, -1, "pool.token");
  const float *weight = reference_values_of(p, -1, "head.token_weight");
  double squares = 0.0;
  for (size_t i = 0; i < d; i++) {
    double sum = 0.0;
    for (int32_t t = 0; t < n; t++) {
      const double s = importance != NULL ? exp(fmin(20.0, fmax(-20.0, (double)importance[ids[t]]))) : 1.0;
      sum += stored(p, s * (double)tokens[(size_t)ids[t] * d + i]);
    }
    squares += sum * sum;
  }
  for (int32_t t = 0; t < n && squares > 0.0; t++) {
    const double s = importance != NULL ? exp(fmin(20.0, fmax(-20.0, (double)importance[ids[t]]))) : 1.0;
    double y = 0.0;
    for (size_t i = 0; i < d; i++)
      y += stored(p, s * (double)tokens[(size_t)ids[t] * d + i] * (double)weight[c * d + i]);
    out->contributions[(size_t)t * n_classes + c] += (double)n * stored(p, y / sqrt(squares));
  }
}

/* The dense part of a logit, and with windows that of the words: contributions hold the terms y_tc, and become contributions. */
double reference_pool_class(pass *p, reference_result *out, const double *importance, double total, const int32_t *ids,
                            int32_t n, size_t c) {
  const lf_head_config *head = &p->model->head;
  const size_t n_classes = (size_t)head->n_classes;
  if (head->pooling != LF_POOLING_WINDOW_MAX) {
    const int has_directions = head->pooling == LF_POOLING_DIRECTIONS;
    const double length = has_directions ? length_of(out->pooled, (size_t)head->d_model) : 1.0;
    double sum = 0.0;
    for (int32_t t = 0; t < n; t++) {
      double *y = &out->contributions[(size_t)t * n_classes + c];
      if (head->pooling != LF_POOLING_MEAN) *y *= length > 0.0 ? importance[t] / total * (double)n / length : 0.0;
    }
    if (has_directions) add_token_shares(p, out, ids, n, c);
    for (int32_t t = 0; t < n; t++) sum += out->contributions[(size_t)t * n_classes + c];
    return sum / (double)n;
  }
  double largest = -INFINITY;
  int32_t start = 0;
  int32_t end = 0;
  for (int32_t first = 0; first == 0 || first + head->window / 2 < n; first += head->window / 2) {
    const int32_t last = first + head->window < n ? first + head->window : n;
    double mean = 0.0;
    for (int32_t t = first; t < last; t++)
      mean += out->contributions[(size_t)t * n_classes + c] / (double)(last - first);
    mean += words_of_window(p, ids + first, last - first, c);
    if (mean <= largest) continue;
    largest = mean;
    start = first;
    end = last;
  }
  if (out->evidence != NULL) {
    start = out->evidence[2 * c];
    end = out->evidence[2 * c + 1];
  }
  for (int32_t t = 0; t < n; t++) {
    out->contributions[(size_t)t * n_classes + c] *= t >= start && t < end ? (double)n / (double)(end - start) : 0.0;
  }
  const float *words = reference_values_of(p, -1, "words.weight");
  for (int32_t t = start; t < end && words != NULL; t++) {
    double share;
    const int32_t row = reference_word_of(p, ids + start, end - start, t - start, &share);
    if (row < 0) continue;
    const double part = stored(p, share * (double)words[(size_t)row * n_classes + c]);
    out->contributions[(size_t)t * n_classes + c] += (double)n * part;
  }
  return largest;
}
