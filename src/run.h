/* run.h - the state of one document on its way through the model (internal) */
#ifndef LF_RUN_H
#define LF_RUN_H

#include "model.h"

/* Keys that attention takes at once: their scores for one tile and one head stay in the first-level cache. */
enum { LF_KEY_BLOCK = 128 };

struct lf_run {
  const lf_model *model;
  int32_t n_cap, n;
  int32_t started;        /* lf_begin has been called */
  int32_t pass, n_passes; /* which sweep over x, see encoder.c */
  int32_t tile, n_tiles;
  size_t ld, ld_ff, ld_head, ld_classes; /* row lengths of x, ff, values and class_tile, in floats */

  int32_t *ids;         /* [n_cap] */
  float *x;             /* [n_cap, ld] the residual stream */
  float *contributions; /* [n_cap, n_classes] */
  float *logits;        /* [n_classes] */

  /* One layer's. Capacity in rows: k_max for the Linformer, n_cap for full attention. */
  size_t key_cap;
  float *p;      /* [matrices, k_max, ld] the next layer's projected input, while it is being summed */
  float *keys;   /* [n_heads, lf_pad(key_cap) / LF_LANES, d_head, LF_LANES] */
  float *values; /* [n_heads, key_cap, ld_head] */

  /* One tile's. */
  float *h;                 /* [LF_TILE, ld] */
  float *q;                 /* [LF_TILE, ld] */
  float *ctx;               /* [LF_TILE, ld] */
  float *head_ctx;          /* [LF_TILE, ld_head] */
  float *ff;                /* [LF_TILE, ld_ff] */
  float *scores;            /* [LF_TILE, LF_KEY_BLOCK] */
  float *row_max, *row_sum; /* [LF_TILE] */
  float *e_tile;            /* [k_max, LF_TILE] the tile's columns of E, widened */
  float *class_tile;        /* [LF_TILE, ld_classes] */
};

/* ---- positions.c ---- */

/* out [rows, d] ld: sinusoidal positions first .. first + rows - 1. */
void lf_sinusoidal_rows(float *out, size_t ld, int32_t first, int32_t rows, int32_t d);

/* ---- projection.c: p = E h, summed tile by tile ---- */

/* Distinct sequence projections of a layer for keys (first) and for keys and values together (both). */
int32_t lf_key_matrices(const lf_config *config);
int32_t lf_all_matrices(const lf_config *config);

/* Rows of p that exist for the run's n tokens: k, or the number of segments that hold a token. */
int32_t lf_projected_rows(const lf_run *run, int32_t layer);

void lf_projection_begin(lf_run *run, int32_t layer);
void lf_projection_tile(lf_run *run, int32_t layer, int32_t first, int32_t rows); /* adds E[:, tile] run->h */
void lf_projection_end(lf_run *run, int32_t layer);

/* ---- attention.c ---- */

/* Keys and values of the layer, from the finished p. */
void lf_project_keys_values(lf_run *run, int32_t layer);

/* Keys and values of one tile of full attention, from run->h. */
void lf_tile_keys_values(lf_run *run, int32_t layer, int32_t first, int32_t rows);

/* run->ctx = concatenation over heads of softmax(q K^T) V, with q = run->h W_Q + b_Q. */
void lf_attend(lf_run *run, int32_t layer, int32_t rows, int32_t n_keys);

/* ---- encoder.c ---- */

/* Number of sweeps over x for the whole document. */
int32_t lf_n_passes(const lf_config *config);

/* The run's current tile of its current pass. */
void lf_encode_tile(lf_run *run);

#endif /* LF_RUN_H */
