/* words.c - the word head: TF-IDF of the tokens themselves, v_i = sqrt(count_i) idf_i, rows of length 1, and a linear map
 *
 * The square root of the count instead of its logarithm (Salton and Buckley 1988 know both) needs no function whose bits
 * depend on a library. A logit's part is sum_i v_i w_ic / |v|, which is count_i equal shares for each token i.
 *
 * With windows, each window is a document of its own: counts, length and shares are the window's. */
#include "head.h"

#include <string.h>

void lf_words_begin(lf_head *head) {
  for (int32_t i = 0; i < head->config.words; i++) head->counts[i] = 0;
  head->length = 0.0;
}

/* Index of a token among those that the head knows, or -1. */
static int32_t find_word(const lf_head *head, int32_t id) {
  int32_t low = 0;
  int32_t high = head->config.words;
  while (low < high) {
    const int32_t middle = low + (high - low) / 2;
    if (head->ids[middle] < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < head->config.words && head->ids[low] == id ? low : -1;
}

void lf_words_count(lf_head *head, const int32_t *ids, int32_t n) {
  for (int32_t t = 0; t < n; t++) {
    const int32_t word = find_word(head, ids[t]);
    if (word >= 0) head->counts[word]++;
  }
}

static const float *widen_row(lf_head *head, int32_t word) {
  const size_t n_classes = (size_t)head->config.n_classes;
  lf_widen(head->word_row, &head->weights, (size_t)word * n_classes, (size_t)word, n_classes);
  return head->word_row;
}

/* word_logits += v_i w_ic of a word that is there */
static void add_row(lf_head *head, int32_t word) {
  const double value = __builtin_sqrt((double)head->counts[word]) * (double)head->idf[word] / head->length;
  const float *row = widen_row(head, word);
  for (int32_t c = 0; c < head->config.n_classes; c++) head->word_logits[c] += value * (double)row[c];
}

void lf_words_window(lf_head *head, const int32_t *ids, int32_t n) {
  for (int32_t c = 0; c < head->config.n_classes; c++) head->word_logits[c] = 0.0;
  double squares = 0.0;
  for (int32_t t = 0; t < n; t++) {
    const int32_t word = find_word(head, ids[t]);
    head->window_words[t] = word;
    if (word < 0) continue;
    head->counts[word]++;
    squares += (double)head->idf[word] * (double)head->idf[word];
  }
  head->length = __builtin_sqrt(squares);
  for (int32_t t = 0; t < n; t++) {
    const int32_t word = head->window_words[t];
    head->window_counts[t] = word < 0 ? 0 : head->counts[word];
  }
  for (int32_t t = 0; t < n; t++) {
    const int32_t word = head->window_words[t];
    if (word < 0 || head->counts[word] == 0) continue;
    if (head->length > 0.0) add_row(head, word);
    head->counts[word] = 0; /* once for all its occurrences, and the next window begins with none */
  }
}

void lf_words_keep_window(lf_head *head, int32_t c, int32_t n) {
  const size_t first = (size_t)c * (size_t)head->config.window;
  memcpy(head->best_counts + first, head->window_counts, (size_t)n * sizeof *head->best_counts);
  head->best_length[c] = head->length;
}

void lf_words_begin_logits(lf_head *head) {
  for (int32_t c = 0; c < head->config.n_classes; c++) head->word_logits[c] = 0.0;
  double squares = 0.0;
  for (int32_t i = 0; i < head->config.words; i++) {
    squares += (double)head->counts[i] * (double)head->idf[i] * (double)head->idf[i];
  }
  head->length = __builtin_sqrt(squares);
  head->words_done = head->length > 0.0 ? 0 : head->config.words;
}

void lf_words_add_logits(lf_head *head, int32_t n) {
  int32_t i = head->words_done;
  for (; n > 0 && i < head->config.words; i++, n--) {
    if (head->counts[i] > 0) add_row(head, i);
  }
  head->words_done = i;
}

void lf_words_share(lf_head *head, float *out, int32_t id, double n) {
  const int32_t word = find_word(head, id);
  if (word < 0 || head->counts[word] == 0 || !(head->length > 0.0)) return;
  const double share = n * (double)head->idf[word] / (__builtin_sqrt((double)head->counts[word]) * head->length);
  const float *row = widen_row(head, word);
  for (int32_t c = 0; c < head->config.n_classes; c++) {
    out[c] = (float)((double)out[c] + share * (double)row[c]);
  }
}

void lf_words_window_share(lf_head *head, float *out, int32_t id, int32_t t) {
  const int32_t word = find_word(head, id);
  if (word < 0) return;
  const float *row = NULL;
  for (int32_t c = 0; c < head->config.n_classes; c++) {
    const int32_t *evidence = head->evidence[c];
    if (t < evidence[0] || t >= evidence[1] || !(head->best_length[c] > 0.0)) continue;
    const int32_t count = head->best_counts[(size_t)c * (size_t)head->config.window + (size_t)(t - evidence[0])];
    if (count == 0) continue;
    if (row == NULL) row = widen_row(head, word);
    const double share = (double)head->idf[word] / (__builtin_sqrt((double)count) * head->best_length[c]);
    out[c] = (float)((double)out[c] + (double)head->n * share * (double)row[c]);
  }
}
