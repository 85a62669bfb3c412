/* pooling.c - a head reads what runs have left: one logit a class from all tokens, and each token's part in it
 *
 * Tile by tile, in the order of the tokens, by one thread: with y_tc = LN(x_t) . w_c the terms are a_t y_tc, which are summed
 * in double precision. With directions the token vectors have such sums too, and each sum is divided by the length of the
 * vector that it is of, which is known at the end. Windows are two halves of w / 2 tokens each, so that half-overlapping windows need no more than the
 * sums of two halves. */
#include <string.h>

#include "head.h"

static int has_directions(const lf_head *head) { return head->config.pooling == LF_POOLING_DIRECTIONS; }

/* a_t of the run's tokens, or NULL where all count alike. */
static const float *importance_of(const lf_head *head) {
  return head->config.pooling == LF_POOLING_WEIGHTED || has_directions(head) ? head->run->importance : NULL;
}

lf_status lf_head_begin(lf_head *head) {
  if (lf_head_ready(head) != LF_OK) return LF_ERROR_MISSING;
  const size_t n_classes = (size_t)head->config.n_classes;
  head->begun = 1;
  head->read = 0;
  head->run = NULL;
  head->is_finite = 1;
  head->n = 0;
  head->weight = 0.0;
  memset(head->sums, 0, n_classes * sizeof *head->sums);
  if (has_directions(head)) {
    memset(head->token_sums, 0, n_classes * sizeof *head->token_sums);
    memset(head->totals, 0, 2 * (size_t)head->config.d_model * sizeof *head->totals);
  }
  memset(head->evidence, 0, n_classes * sizeof *head->evidence); /* an end of 0: no window yet */
  if (head->config.words > 0) lf_words_begin(head);
  return LF_OK;
}

/* The run still has what it had when the head began to read it. */
static int has_run(const lf_head *head) {
  return head->run != NULL && head->run->document == head->run_document && head->run->started;
}

lf_status lf_head_read(lf_head *head, const lf_run *run) {
  if (!head->begun || run == NULL || !run->started || !lf_schedule_finished(run)) return LF_ERROR_STATE;
  const lf_config *trunk = &run->model->config;
  const int fits = head->config.d_model == trunk->d_model && head->config.vocab_size == trunk->vocab_size &&
                   (head->config.pooling != LF_POOLING_WEIGHTED || trunk->importance);
  if (!fits) return LF_ERROR_CONFIG;
  if (run->n > INT32_MAX - head->n) return LF_ERROR_LENGTH;
  head->read = 0;
  head->run = run;
  head->model = run->model;
  head->run_document = run->document;
  head->next = 0;
  for (size_t c = 0; c < (size_t)head->config.n_classes && head->halves != NULL; c++) {
    head->halves[c].before = 0.0;
    head->halves[c].now = 0.0;
  }
  return LF_OK;
}

/* a_t y_tc of up to LF_TILE tokens of the run, [rows, n_classes] without padding, in head->tile. */
static float *sum_terms(lf_head *head, int32_t first, int32_t rows) {
  const lf_run *run = head->run;
  const lf_norm *norm = &run->model->norm;
  const float *importance = importance_of(head);
  const size_t n_classes = (size_t)head->config.n_classes;
  const lf_rows x = lf_rows_at(run->x, (size_t)first, 0);
  float *terms = head->tile.data;
  lf_layer_norm(head->h, x, norm->gain, norm->bias, (size_t)rows, (size_t)head->config.d_model);
  lf_gemm(head->tile, head->h, head->dense.weight, NULL, LF_SET, (size_t)rows);
  for (size_t t = 0; t < (size_t)rows; t++) {
    float *row = head->tile.data + t * head->tile.ld;
    if (importance != NULL) lf_scale(row, importance[(size_t)first + t], n_classes);
    memmove(terms + t * n_classes, row, n_classes * sizeof *terms);
  }
  return terms;
}

/* s_t e_t . head.token_weight[c] of up to LF_TILE tokens, [rows, n_classes] with padding, in `out`. */
static void token_terms(lf_head *head, lf_rows out, const int32_t *ids, size_t rows) {
  lf_weighted_tokens(head->model, head->h, head->token_weight, ids, rows);
  lf_gemm(out, head->h, head->tokens, NULL, LF_SET, rows);
}

/* The word head counts the words of the whole document, and not those of windows. */
static int counts_document(const lf_head *head) {
  return head->config.words > 0 && head->config.pooling != LF_POOLING_WINDOW_MAX;
}

/* A half of a window ends before token `end` of the run, and with it the window of this half and the one before. A run that
 * is no longer than a half is one window. */
static void finish_half(lf_head *head, int32_t end) {
  const int32_t half = head->config.window / 2;
  const int32_t index = (end - 1) / half;
  const int32_t start = index > 0 ? (index - 1) * half : 0;
  const int is_window = index > 0 || end == head->run->n;
  const int has_words = is_window && head->config.words > 0;
  if (has_words) lf_words_window(head, head->run->ids + start, end - start);
  for (int32_t c = 0; c < head->config.n_classes; c++) {
    lf_halves *of_class = &head->halves[c];
    const double mean = (of_class->before + of_class->now) / (double)(end - start);
    const double value = has_words ? mean + head->word_logits[c] : mean;
    of_class->before = of_class->now;
    of_class->now = 0.0;
    if (!is_window) continue;
    if (!lf_is_finite(value)) head->is_finite = 0;
    if (head->evidence[c][1] > 0 && !(value > of_class->largest)) continue;
    of_class->largest = value;
    head->evidence[c][0] = head->n + start;
    head->evidence[c][1] = head->n + end;
    if (has_words) lf_words_keep_window(head, c, end - start);
  }
}

/* The next tile of the run. */
static void read_tile(lf_head *head) {
  const lf_run *run = head->run;
  const int32_t n_classes = head->config.n_classes;
  const int32_t half = head->config.window / 2;
  const int32_t rows = run->n - head->next < LF_TILE ? run->n - head->next : LF_TILE;
  const float *importance = importance_of(head);
  const float *terms = sum_terms(head, head->next, rows);
  for (int32_t end = head->next + 1; end <= head->next + rows; end++, terms += n_classes) {
    if (half > 0) {
      for (int32_t c = 0; c < n_classes; c++) head->halves[c].now += (double)terms[c];
      if (end % half == 0 || end == run->n) finish_half(head, end);
    } else {
      for (int32_t c = 0; c < n_classes; c++) head->sums[c] += (double)terms[c];
    }
    head->weight += importance != NULL ? (double)importance[end - 1] : 1.0;
  }
  if (has_directions(head)) {
    token_terms(head, head->tile, run->ids + head->next, (size_t)rows);
    for (int32_t t = 0; t < rows; t++) {
      const float *row = head->tile.data + (size_t)t * head->tile.ld;
      for (int32_t c = 0; c < n_classes; c++) head->token_sums[c] += (double)row[c];
    }
  }
  head->next += rows;
  if (!counts_document(head)) return;
  lf_words_count(head, run->ids + head->next - rows, rows);
  if (head->next == run->n) lf_words_begin_logits(head);
}

/* totals += what the run has, and the factors that come of them */
static void finish_directions(lf_head *head) {
  const size_t d = (size_t)head->config.d_model;
  for (size_t part = 0; part < 2; part++) {
    double *total = head->totals + part * d;
    double squares = 0.0;
    for (size_t i = 0; i < d; i++) {
      total[i] += head->run->weight[part] * (double)head->run->pooled[part * d + i];
      squares += total[i] * total[i];
    }
    head->factors[part] = squares > 0.0 ? 1.0 / __builtin_sqrt(squares) : 0.0;
  }
}

/* What the dense part adds to a logit. */
static double dense_part(const lf_head *head, int32_t c) {
  switch (head->config.pooling) {
    case LF_POOLING_WINDOW_MAX: return head->halves[c].largest;
    case LF_POOLING_DIRECTIONS: return head->factors[0] * head->sums[c] + head->factors[1] * head->token_sums[c];
    default: return head->sums[c] / head->weight;
  }
}

/* The logits of all that has been read. */
static lf_status finish(lf_head *head) {
  const int has_windows = head->config.pooling == LF_POOLING_WINDOW_MAX;
  if (has_directions(head)) finish_directions(head);
  for (int32_t c = 0; c < head->config.n_classes; c++) {
    double logit = (double)head->dense.bias[c] + dense_part(head, c);
    if (counts_document(head)) logit += head->word_logits[c];
    head->logits[c] = (float)logit;
    if (!lf_is_finite(logit)) head->is_finite = 0;
    if (!has_windows) head->evidence[c][1] = head->n;
  }
  return head->is_finite ? LF_OK : LF_ERROR_VALUE;
}

/* There are tokens to read, or words to add up after them. */
static int is_reading(const lf_head *head) {
  return head->next < head->run->n || (counts_document(head) && head->words_done < head->config.words);
}

lf_status lf_head_step(lf_head *head, int32_t max_tiles) {
  if (!head->begun || max_tiles < 1) return LF_ERROR_STATE;
  if (head->read) return head->status;
  if (!has_run(head)) return LF_ERROR_STATE;
  for (int32_t tiles = 0; tiles < max_tiles && is_reading(head); tiles++) {
    if (head->next < head->run->n) {
      read_tile(head);
    } else {
      lf_words_add_logits(head, LF_TILE);
    }
  }
  if (is_reading(head)) return LF_MORE;
  head->n += head->run->n;
  head->read = 1;
  head->status = finish(head);
  return head->status;
}

const float *lf_head_logits(const lf_head *head) { return head->logits; }
const int32_t *lf_head_evidence(const lf_head *head) { return head->evidence[0]; }

/* ---- contributions ---- */

float *lf_head_terms(lf_head *head, int32_t first, int32_t n) {
  if (!has_run(head) || first < 0 || n < 1 || n > LF_TILE || first > head->run->n - n) return NULL;
  return sum_terms(head, first, n);
}

/* What a term of token `t` of the document is multiplied with, so that the mean over all tokens is the dense part of the
 * logit. */
static double factor_of(const lf_head *head, int32_t t, int32_t c) {
  const int32_t *evidence = head->evidence[c];
  switch (head->config.pooling) {
    case LF_POOLING_WEIGHTED: return (double)head->n / head->weight;
    case LF_POOLING_DIRECTIONS: return (double)head->n * head->factors[0];
    case LF_POOLING_WINDOW_MAX:
      return t >= evidence[0] && t < evidence[1] ? (double)head->n / (double)(evidence[1] - evidence[0]) : 0.0;
    default: return 1.0;
  }
}

/* tile [n, n_classes] without padding += the token vectors' part */
static void add_token_shares(lf_head *head, const int32_t *ids, size_t n) {
  const size_t n_classes = (size_t)head->config.n_classes;
  const double factor = (double)head->n * head->factors[1];
  token_terms(head, head->shares, ids, n);
  for (size_t t = 0; t < n; t++) {
    float *row = head->tile.data + t * n_classes;
    const float *share = head->shares.data + t * head->shares.ld;
    for (size_t c = 0; c < n_classes; c++) row[c] = (float)((double)row[c] + factor * (double)share[c]);
  }
}

lf_status lf_head_contributions(lf_head *head, const int32_t *ids, int32_t first, int32_t n) {
  if (!head->begun || !head->read || head->status != LF_OK || ids == NULL) return LF_ERROR_STATE;
  if (first < 0 || n < 1 || n > LF_TILE || first > head->n - n) return LF_ERROR_LENGTH;
  for (int32_t t = 0; t < n; t++) {
    if (ids[t] < 0 || ids[t] >= head->config.vocab_size) return LF_ERROR_TOKEN;
  }
  const int32_t n_classes = head->config.n_classes;
  const int has_windows = head->config.pooling == LF_POOLING_WINDOW_MAX;
  float *row = head->tile.data;
  for (int32_t t = 0; t < n; t++, row += n_classes) {
    for (int32_t c = 0; c < n_classes; c++) row[c] = (float)((double)row[c] * factor_of(head, first + t, c));
    if (counts_document(head)) lf_words_share(head, row, ids[t], (double)head->n);
    if (has_windows && head->config.words > 0) lf_words_window_share(head, row, ids[t], first + t);
  }
  if (has_directions(head)) add_token_shares(head, ids, (size_t)n);
  return LF_OK;
}
