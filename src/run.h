/* run.h - the state of one document on its way through the model (internal) */
#ifndef LF_RUN_H
#define LF_RUN_H

#include <stdatomic.h>

#include "model.h"

/* Keys that attention takes at once: their scores for one tile and one head stay in the first-level cache. */
enum { LF_KEY_BLOCK = 128 };

/* Most slabs that the tiles of a pass are dealt out in, and the fewest tiles that are worth one. A slab is the work that
 * a thread takes at once. How many there are depends on the document alone, and p is summed slab by slab, so that the
 * result does not depend on the number of threads. */
enum { LF_SLABS = 16, LF_SLAB_TILES = 4 };

/* One thread's part: the slab it has taken, and what it needs for one tile. */
typedef struct lf_worker {
  lf_run *run;
  int32_t slab, tile; /* tile of the whole document; a slab of -1 is none */
  float *p;           /* the slab's sum for the next layer, as lf_run.p */

  float *h;                 /* [LF_TILE, ld] */
  float *q;                 /* [LF_TILE, ld] */
  float *ctx;               /* [LF_TILE, ld] */
  float *head_ctx;          /* [LF_TILE, ld_head] */
  float *ff;                /* [LF_TILE, ld_ff] */
  float *scores;            /* [LF_TILE, LF_KEY_BLOCK] */
  float *row_max, *row_sum; /* [LF_TILE] */
  uint8_t *probs;           /* [LF_TILE, LF_KEY_BLOCK] numerators of the probabilities as codes */
  float *probs_step;        /* [LF_TILE] and their scale */
  float *e_tile;            /* [k_max, LF_TILE] the tile's columns of E, widened; NULL where E is multiplied by codes */
  float *e_sum;             /* [ld_p] sums of the codes of E in the document's last columns; NULL where it is not */
  float *class_tile;        /* [LF_TILE, ld_classes] */
  uint8_t *codes;           /* [LF_TILE, ld_codes] or [ld, LF_TILE]: what goes into a product of 8 bits */
  float *step, *low;        /* [LF_TILE] or [ld]: scale and offset of a row of codes */
} lf_worker;

struct lf_run {
  const lf_model *model;
  int32_t n_cap, n;
  int32_t started;        /* lf_begin has been called */
  int32_t quiet;          /* nobody holds a slab, nor can take one until lf_schedule; the caller's alone to write */
  int32_t pass, n_passes; /* which sweep over x, see encoder.c */
  int32_t n_tiles, n_slabs;
  int32_t n_threads;
  size_t ld, ld_ff, ld_head, ld_classes; /* row lengths of x, ff, values and class_tile, in floats */
  size_t ld_codes;                       /* and of codes, in bytes */

  /* What threads agree by, see schedule.c. */
  atomic_int next_slab;  /* the first that nobody has taken */
  atomic_int slabs_done; /* of this pass */
  atomic_int tiles_done; /* of all passes */
  atomic_int active;     /* threads in lf_serve that may hold a slab */
  atomic_int turn;       /* goes up when there is new work */
  atomic_int cancelled;  /* everyone is to let go, and to take no slab */
  atomic_int stopped;

  int32_t *ids;         /* [n_cap] */
  float *x;             /* [n_cap, ld] the residual stream */
  float *contributions; /* [n_cap, n_classes] */
  float *logits;        /* [n_classes] */

  /* One layer's. Capacity in rows: k_max for the Linformer, n_cap for full attention. */
  size_t key_cap;
  size_t ld_p;   /* row length of p */
  size_t p_size; /* floats of one p */
  float *p; /* [matrices, k_max, ld] the next layer's projected input; by codes transposed, [matrices, d_model, ld_p] */
  float *
      p_slabs; /* [1 or LF_SLABS, p_size] each slab's part of it; one thread adds each to p before it starts the next */
  float *keys; /* [n_heads, lf_pad(key_cap) / LF_LANES, d_head, LF_LANES] */
  float *values;      /* [n_heads, key_cap, ld_head] */
  lf_codes key_codes; /* 8 bits: [n_heads] of keys in panels, instead of `keys` */
  size_t key_head;    /* floats of `keys`, or bytes of `key_codes.data`, that one head takes */
  lf_codes
      value_codes; /* 8 bits, Linformer: [n_heads, key blocks] of values in panels of channels, made from `values` */

  lf_worker *workers; /* [n_threads] */
};

/* ---- positions.c ---- */

/* out [rows, d] ld: sinusoidal positions first .. first + rows - 1. */
void lf_sinusoidal_rows(float *out, size_t ld, int32_t first, int32_t rows, int32_t d);

/* ---- linear.c ---- */

/* out = in W + b, or out += in W + b if `accumulate`, by floats or by codes, as the map is packed.
 *   out [rows, n_out] ld_out, in [rows, n_in] ld_in, rows <= LF_TILE */
void lf_linear_rows(lf_worker *worker, float *out, size_t ld_out, const float *in, size_t ld_in,
                    const lf_linear *linear, int accumulate, size_t rows, size_t n_in, size_t n_out);

/* out += gelu(in) W + b. What is in `in` is lost. */
void lf_gelu_linear_rows(lf_worker *worker, float *out, size_t ld_out, float *in, size_t ld_in, const lf_linear *linear,
                         size_t rows, size_t n_in, size_t n_out);

/* The outputs first_out .. first_out + n_out - 1 of a map that is packed as floats; first_out is a multiple of LF_LANES. */
void lf_linear_columns(float *out, size_t ld_out, const float *in, size_t ld_in, const lf_linear *linear,
                       size_t first_out, size_t rows, size_t n_in, size_t n_out);

/* ---- projection.c: p = E h, summed tile by tile ---- */

/* Distinct sequence projections of a layer for keys (first) and for keys and values together (both). */
int32_t lf_key_matrices(const lf_config *config);
int32_t lf_all_matrices(const lf_config *config);

/* Rows of p that exist for the run's n tokens: k, or the number of segments that hold a token. */
int32_t lf_projected_rows(const lf_run *run, int32_t layer);

/* 1 if E h is a product of 8 bits. Then p is transposed until it is whole. */
int lf_projects_codes(const lf_config *config);

void lf_projection_begin(const lf_run *run, float *p, int32_t layer);
void lf_projection_tile(lf_worker *worker, int32_t layer, int32_t first, int32_t rows); /* p += E[:, tile] h */
void lf_projection_add(const lf_run *run, int32_t layer, const float *slab);            /* run->p += slab */
void lf_projection_end(lf_run *run, int32_t layer);

/* Rows first .. first + rows - 1 of matrix `matrix` of the finished p: [rows, d_model] ld, in place or in worker->h. */
const float *lf_projection_rows(lf_worker *worker, size_t matrix, size_t first, size_t rows);

/* ---- attention.c ---- */

/* Keys and values of the layer, from the finished p. */
void lf_project_keys_values(lf_worker *worker, int32_t layer);

/* Keys and values of one tile of full attention, from worker->h. */
void lf_tile_keys_values(lf_worker *worker, int32_t layer, int32_t first, int32_t rows);

/* worker->ctx = concatenation over heads of softmax(q K^T) V, with q = worker->h W_Q + b_Q. */
void lf_attend(lf_worker *worker, int32_t layer, int32_t rows, int32_t n_keys);

/* ---- encoder.c ---- */

/* Number of sweeps over x for the whole document. */
int32_t lf_n_passes(const lf_config *config);

/* The layer that a pass sums p for, or -1. */
int32_t lf_projected_layer(const lf_run *run);

/* The worker's current tile of the run's current pass. */
void lf_encode_tile(lf_worker *worker);

/* What comes between two passes, once: the sum of all slabs is finished, and becomes keys and values. */
void lf_between_passes(lf_worker *worker);

/* ---- linformer.c ---- */

/* The logits, from the contributions of all tokens. */
lf_status lf_finish(lf_run *run);

/* ---- schedule.c ---- */

/* The run's first pass, with no tile done. Every thread has let go of its slab. */
void lf_schedule(lf_run *run);

/* Makes every thread let go of its slab. Returns 1 once they have, and 0 if one has not after a moment: call it again. */
int lf_cancel(lf_run *run);

/* One tile of the worker's slab, or of a slab that it takes; the worker that finishes a pass starts the next one.
 * Returns 0 if there was no tile to take. */
int lf_work_tile(lf_worker *worker);

/* 1 once the last tile of the last pass is done. */
int lf_finished(lf_run *run);

#endif /* LF_RUN_H */
