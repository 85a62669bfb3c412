/* run.h - the state of one document on its way through the model (internal)
 *
 * Calls go one way: run.c -> schedule.c -> encoder.c -> attention.c, projection.c, linear.c -> kernels.h. */
#ifndef LF_RUN_H
#define LF_RUN_H

#include <stdatomic.h>

#include "model.h"

/* Keys that attention takes at once: their scores for one tile and one head stay in the first-level cache. */
enum { LF_KEY_BLOCK = 128 };

/* Most chunks that the tiles of a pass are dealt out in, and the fewest tiles that are worth one. A chunk is the work that
 * a thread takes at once. How many there are depends on the document alone, and p is summed chunk by chunk, so that the
 * result does not depend on the number of threads. */
enum { LF_CHUNKS = 16, LF_CHUNK_TILES = 4 };

/* first .. end - 1 */
typedef struct lf_range {
  int32_t first, end;
} lf_range;

/* What the worker that has finished a pass does before the next one, in schedule.c. */
typedef enum lf_between { LF_NOT_BETWEEN, LF_KEYS_AND_VALUES, LF_CLEARING } lf_between;

/* One thread's part: the chunk it has taken, and what it needs for one tile. */
typedef struct lf_worker {
  lf_run *run;
  int32_t chunk; /* -1: none */
  int32_t tile;  /* of the whole document */
  lf_between between;
  float *p; /* the chunk's sum for the next layer, as lf_run.p */

  lf_rows h, q, ctx;  /* [LF_TILE, d_model] */
  lf_rows ff;         /* [LF_TILE, d_ff or stem] */
  lf_rows scores;     /* [LF_TILE, LF_KEY_BLOCK] */
  lf_softmax softmax; /* of LF_TILE rows, its ctx one head's: [LF_TILE, d_head] */
  float *pooled;      /* [lf_pad(d_model)] a sum of one tile */
  /* With a stem: token vectors of the tile and of one token on each side, [LF_TILE + 2, d_model]. */
  float *tokens;
  float *e_tile; /* [k_max, LF_TILE] the tile's columns of E, widened; float32 only */
  float *e_sum;  /* [ld_p] sums of the quantised E in the document's last columns; int8 only */

  /* int8 only. */
  lf_quantised_rows quantised; /* [LF_TILE, d_model, d_ff, ...] what goes into a product */
  lf_quantised_rows columns;   /* the same memory for the columns of h: [d_model, LF_TILE] */
  lf_quantised_rows probs;     /* [LF_TILE, LF_KEY_BLOCK] numerators of the probabilities */
} lf_worker;

struct lf_run {
  const lf_model *model;
  int32_t n_cap, n, n_threads;
  int32_t started;   /* lf_begin has been called */
  uint32_t document; /* which one, in order, so that a head sees that its own is gone */

  /* What is being done, and what threads agree by: see schedule.c. */
  int32_t quiet; /* nobody holds a chunk, nor can take one until the next document; the caller's alone to write */
  int32_t pass, n_passes; /* which pass over x, see encoder.c */
  int32_t n_tiles, n_chunks;
  int32_t rows_done;      /* rows of p that are done, between two passes */
  atomic_int next_chunk;  /* the first that nobody has taken */
  atomic_int chunks_done; /* of this pass */
  atomic_int tiles_done;  /* of all passes */
  atomic_int active;      /* threads in lf_serve that may hold a chunk */
  atomic_int generation;  /* goes up when there is new work */
  atomic_int cancelled;   /* everyone is to let go, and to take no chunk */
  atomic_int stopped;

  int32_t *ids;      /* [n_cap] */
  lf_rows x;         /* [n_cap, d_model] the residual stream */
  float *importance; /* [lf_pad(n_cap)] a_t; NULL without importance, when all are 1 */
  float *pooled;     /* [2, d_model] mean of a_t LN(x_t), and of the token vectors s_t e_t */
  /* [LF_CHUNKS, 2, d_model + 1] sums over each chunk's tokens: of a_t LN(x_t) and a_t, and of s_t e_t and s_t. */
  double *pooled_chunks;
  double weight[2]; /* sum of a_t, and of s_t */

  /* One layer's projected input. */
  size_t key_cap; /* most rows of keys and values: k_max for the Linformer, n_cap for full attention */
  size_t ld_p;    /* row length of p */
  size_t p_size;  /* floats of one p */
  float *p;       /* [matrices, k_max, ld_p] p of the next layer; int8: transposed, [matrices, d_model, ld_p] */
  /* Each chunk's part of it, [1 or LF_CHUNKS, p_size]; one thread alone adds each to p before it starts the next. */
  float *p_chunks;

  /* One layer's keys and values. */
  size_t key_head;                      /* floats of `keys`, or bytes of `quantised_keys.data`, that one head takes */
  float *keys;                          /* [n_heads, lf_pad(key_cap) / LF_LANES, d_head, LF_LANES]; float32 only */
  lf_rows values;                       /* [n_heads * key_cap, d_head] */
  lf_quantised_panels quantised_keys;   /* int8: [n_heads] of keys in panels */
  lf_quantised_panels quantised_values; /* int8, Linformer: [n_heads, key blocks] of values in panels of channels */

  lf_worker *workers; /* [n_threads] */
};

/* A result that is a number, and one of single precision. */
static inline int lf_is_finite(double value) { return value > -3.0e38 && value < 3.0e38; }

/* ---- positions.c ---- */

/* out [rows, d]: sinusoidal positions first .. first + rows - 1. */
void lf_sinusoidal_rows(lf_rows out, int32_t first, int32_t rows, int32_t d);

/* ---- encoder.c ---- */

/* Token vectors without position, s_t e_t, in the first rows of `out`, and s_t in `weight` [lf_pad(rows)], which is 1 without
 * importance. */
void lf_weighted_tokens(const lf_model *model, lf_rows out, float *weight, const int32_t *ids, size_t rows);

/* ---- linear.c ---- */

/* out = in W + b, or out += in W + b.
 *   out [rows, n_out], in [rows, n_in], rows <= LF_TILE */
void lf_linear_rows(lf_worker *worker, lf_rows out, lf_rows in, const lf_linear *linear, lf_mode mode, size_t rows);

/* out += gelu(in) W + b. What is in `in` is lost. */
void lf_gelu_linear_rows(lf_worker *worker, lf_rows out, lf_rows in, const lf_linear *linear, size_t rows);

/* Makes `in` ready for lf_linear_columns of `linear` and of maps of the same kind: in 8 bits, it is quantised once for all. */
void lf_linear_input(lf_worker *worker, lf_rows in, const lf_linear *linear, size_t rows);

/* Outputs first_out .. first_out + n_out - 1 of a map, after lf_linear_input; first_out is a multiple of LF_LANES. rows <= LF_TILE */
void lf_linear_columns(lf_worker *worker, lf_rows out, lf_rows in, const lf_linear *linear, size_t first_out,
                       size_t n_out, size_t rows);

/* ---- projection.c: p = E h, summed tile by tile ---- */

/* Distinct sequence projections of a layer for keys (first) and for keys and values together (both). */
int32_t lf_key_matrices(const lf_config *config);
int32_t lf_all_matrices(const lf_config *config);

/* Rows of p that exist for the run's n tokens: k, or the number of segments that hold a token. */
int32_t lf_projected_rows(const lf_run *run, int32_t layer);

/* 1 if E h is a product of 8 bits. Then p is transposed until it is whole. */
int lf_projects_int8(const lf_config *config);

/* Rows of p that these tiles of x add to. */
lf_range lf_projection_span(const lf_run *run, int32_t layer, lf_range tiles);

/* Each for some rows of p, so that no call takes long, however many there are. */
void lf_projection_begin(const lf_run *run, float *p, int32_t layer, lf_range rows);
void lf_projection_tile(lf_worker *worker, int32_t layer, int32_t first, int32_t rows);      /* p += E[:, tile] h */
void lf_projection_add(const lf_run *run, int32_t layer, const float *chunk, lf_range rows); /* run->p += chunk */
void lf_projection_end(lf_run *run, int32_t layer, lf_range rows);

/* Rows first .. first + rows - 1 of matrix `matrix` of the finished p: [rows, d_model], in place or in worker->h. */
lf_rows lf_projection_rows(lf_worker *worker, size_t matrix, size_t first, size_t rows);

/* ---- attention.c ---- */

/* Keys and values of the layer from the finished p, for at most LF_TILE of its rows: one call after the other, from
 * the first row to the last, each beginning at a multiple of LF_TILE. */
void lf_project_keys_values(lf_worker *worker, int32_t layer, lf_range rows);

/* Keys and values of one tile of full attention, from worker->h. */
void lf_tile_keys_values(lf_worker *worker, int32_t layer, int32_t first, int32_t rows);

/* worker->ctx = concatenation over heads of softmax(q K^T) V, with q = worker->h W_Q + b_Q. */
void lf_attend(lf_worker *worker, int32_t layer, int32_t rows, int32_t n_keys);

/* ---- encoder.c ---- */

/* Number of passes over x for the whole document. */
int32_t lf_n_passes(const lf_config *config);

/* The layer that a pass sums p for, or -1. */
int32_t lf_projected_layer(const lf_run *run);

/* The worker has taken the chunk of these tiles: what it sums up starts from nothing. */
void lf_begin_chunk(lf_worker *worker, lf_range tiles);

/* The worker's current tile of the run's current pass. */
void lf_encode_tile(lf_worker *worker);

/* ---- schedule.c ---- */

/* The run's first pass, with no tile done. lf_schedule_cancel has said 1. */
void lf_schedule_begin(lf_run *run);

/* At most max_tiles tiles. Returns 1 once the last one of the last pass is done, else 0. */
int lf_schedule_work(lf_run *run, int32_t max_tiles);

/* Makes every thread let go of its chunk. Returns 1 once they have, and 0 if one has not after a moment: call it again. */
int lf_schedule_cancel(lf_run *run);

/* 1 once the last tile of the last pass is done. */
int lf_schedule_finished(const lf_run *run);

/* What lf_serve and lf_run_stop do. */
void lf_schedule_serve(lf_worker *worker);
void lf_schedule_stop(lf_run *run);

#endif /* LF_RUN_H */
