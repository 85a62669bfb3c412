/* head.h - a head: its weights, and what it has read of a document (internal)
 *
 * head.c lays it out, pooling.c reads the tokens of runs, words.c is the word head. */
#ifndef LF_HEAD_H
#define LF_HEAD_H

#include "run.h"
#include "slots.h"

/* A class's windows of a run, half by half: two halves are a window. */
typedef struct lf_halves {
  double before, now; /* sums of terms over the half before, and over the current one so far */
  double largest;     /* what the best window so far adds to the logit, of all runs */
} lf_halves;

struct lf_head {
  lf_head_config config;
  lf_slots slots;
  lf_linear dense;
  lf_panels tokens; /* [d_model, n_classes] of the token vectors, with LF_POOLING_DIRECTIONS */

  /* The word head. */
  int32_t *ids;        /* [words] */
  float *idf;          /* [words] */
  lf_stored weights;   /* [words, n_classes] */
  int32_t *counts;     /* [words] of each token in the document so far */
  double length;       /* of the vector v, once the logits are there */
  double *word_logits; /* [n_classes] what it adds to them */
  int32_t words_done;  /* words that have been added to them */
  float *word_row;     /* [n_classes] one row of the weights, widened */

  /* The word head of windows, each of which is a document of its own. For each token of one: */
  int32_t *window_words;  /* [window] its row, or -1 if the head does not know it; of the current window */
  int32_t *window_counts; /* [window] how often it is there, or 0 */
  int32_t *best_counts;   /* [n_classes, window] the same of the largest window of each class */
  double *best_length;    /* [n_classes] of the vector v of that window */

  /* The document. */
  int32_t begun;      /* lf_head_begin has been called */
  int32_t read;       /* all of the run has been, and the logits are there */
  int32_t is_finite;  /* everything so far */
  lf_status status;   /* once the logits are there */
  int32_t n;          /* tokens of the document that have been read */
  double weight;      /* sum of a_t over them */
  double *sums;       /* [n_classes] of terms over them */
  double *token_sums; /* [n_classes] the same of their token vectors, with LF_POOLING_DIRECTIONS */
  double *totals;     /* [2, d_model] sums of the runs' pooled vectors and of their means of token vectors, by weight */
  double factors[2];  /* what the two parts' sums are multiplied with: 1 / the lengths of the totals */
  lf_halves *halves;  /* [n_classes] with LF_POOLING_WINDOW_MAX */
  float *logits;      /* [n_classes] */
  int32_t (*evidence)[2]; /* [n_classes] */

  /* The run that is being read: its tokens before `next` have been. */
  const lf_run *run;
  const lf_model *model; /* its trunk */
  uint32_t run_document; /* of lf_run.document */
  int32_t next;

  float *token_weight; /* [lf_pad(LF_TILE)] s_t, with LF_POOLING_DIRECTIONS */
  lf_rows h;           /* [LF_TILE, d_model] */
  lf_rows tile;        /* [LF_TILE, n_classes], also without padding: see lf_head_terms */
  lf_rows shares;      /* [LF_TILE, n_classes] contributions of token vectors, with LF_POOLING_DIRECTIONS */
};

/* ---- words.c ---- */

void lf_words_begin(lf_head *head);

/* Counts n tokens of a document that is read as a whole. */
void lf_words_count(lf_head *head, const int32_t *ids, int32_t n);

/* word_logits, from the counts: nothing yet, and then n more words, until words_done is all of them. A head can know so many
 * that it is not done at once. */
void lf_words_begin_logits(lf_head *head);
void lf_words_add_logits(lf_head *head, int32_t n);

/* out [n_classes] += what one occurrence of the token contributes, `n` times its share of the logit. */
void lf_words_share(lf_head *head, float *out, int32_t id, double n);

/* word_logits and length of a window of n tokens. */
void lf_words_window(lf_head *head, const int32_t *ids, int32_t n);

/* The window of n tokens is the largest of class c so far. */
void lf_words_keep_window(lf_head *head, int32_t c, int32_t n);

/* As lf_words_share, for token t of the document, in the windows that it lies in. */
void lf_words_window_share(lf_head *head, float *out, int32_t id, int32_t t);

#endif /* LF_HEAD_H */
