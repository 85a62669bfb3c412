/* encoder.c - what happens to one tile of x in one sweep
 *
 * The Linformer makes 1 + n_layers passes over x. Pass 0 embeds; pass 1 + l is layer l. While a tile is in cache, each
 * pass also adds the tile's share to the next layer's p, so no pass reads x only to project it:
 *
 *     pass 0          x = embedding                        p  = E_0 LN1_0(x)
 *     pass 1 + l      K, V from p, then for each tile      x += attention, x += feed-forward, p = E_(l+1) LN1_(l+1)(x)
 *     the last one    also                                 contributions = LN(x) W_head
 *
 * Full attention needs all keys of a layer before its first query, so a layer is two passes: keys and values, sweep. */
#include <string.h>

#include "run.h"

int32_t lf_n_passes(const lf_config *config) {
  return 1 + config->n_layers * (config->attention == LF_ATTENTION_FULL ? 2 : 1);
}

int32_t lf_projected_layer(const lf_run *run) {
  const lf_config *config = &run->model->config;
  if (config->attention == LF_ATTENTION_FULL || run->pass >= config->n_layers) return -1;
  return run->pass;
}

/* x = token embedding + position, in rows first .. first + rows - 1 */
static void embed(lf_worker *worker, float *x, int32_t first, int32_t rows) {
  const lf_run *run = worker->run;
  const lf_model *model = run->model;
  const size_t d = (size_t)model->config.d_model;
  const int learned = model->config.positions == LF_POSITIONS_LEARNED;
  memset(x, 0, (size_t)rows * run->ld * sizeof *x);
  if (!learned) lf_sinusoidal_rows(worker->q, run->ld, first, rows, model->config.d_model);
  for (int32_t t = 0; t < rows; t++) {
    const size_t place = (size_t)first + (size_t)t;
    const size_t id = (size_t)run->ids[place];
    float *row = x + (size_t)t * run->ld;
    float *position = worker->q + (size_t)t * run->ld;
    if (learned) lf_widen(position, &model->position, place * d, place, d);
    lf_widen(row, &model->token, id * d, id, d);
    for (size_t i = 0; i < d; i++) row[i] = row[i] + position[i];
  }
}

static void normalise(lf_worker *worker, const float *x, const lf_norm *norm, int32_t rows) {
  const lf_run *run = worker->run;
  lf_layer_norm(worker->h, x, norm->gain, norm->bias, (size_t)rows, (size_t)run->model->config.d_model, run->ld);
}

/* x += attention(LN1(x)) W_O + b_O;  x += W_2 gelu(W_1 LN2(x) + b_1) + b_2 */
static void layer_tile(lf_worker *worker, int32_t layer, float *x, int32_t rows, int32_t n_keys) {
  const lf_run *run = worker->run;
  const lf_config *config = &run->model->config;
  const lf_layer *weights = &run->model->layers[layer];
  const size_t d = (size_t)config->d_model;
  const size_t d_ff = (size_t)config->d_ff;
  const size_t m = (size_t)rows;

  normalise(worker, x, &weights->attn_norm, rows);
  lf_attend(worker, layer, rows, n_keys);
  lf_linear_rows(worker, x, run->ld, worker->ctx, run->ld, &weights->out, 1, m, d, d);

  normalise(worker, x, &weights->ffn_norm, rows);
  lf_linear_rows(worker, worker->ff, run->ld_ff, worker->h, run->ld, &weights->ffn_in, 0, m, d, d_ff);
  lf_gelu_linear_rows(worker, x, run->ld, worker->ff, run->ld_ff, &weights->ffn_out, m, d_ff, d);
}

/* contributions[t][c] = LN(x_t) . w_c */
static void classify_tile(lf_worker *worker, const float *x, int32_t first, int32_t rows) {
  const lf_run *run = worker->run;
  const lf_model *model = run->model;
  const size_t n_classes = (size_t)model->config.n_classes;
  const size_t d = (size_t)model->config.d_model;
  const lf_panels head = {.data = model->head.weight, .panel_stride = d * LF_LANES, .row_stride = LF_LANES};
  normalise(worker, x, &model->norm, rows);
  lf_gemm(worker->class_tile, run->ld_classes, worker->h, run->ld, head, NULL, 0, (size_t)rows, d, n_classes);
  for (int32_t t = 0; t < rows; t++) {
    memcpy(run->contributions + (size_t)(first + t) * n_classes, worker->class_tile + (size_t)t * run->ld_classes,
           n_classes * sizeof(float));
  }
}

static void linformer_tile(lf_worker *worker, float *x, int32_t first, int32_t rows) {
  const lf_run *run = worker->run;
  const int32_t layer = run->pass - 1;
  const int32_t next = lf_projected_layer(run);
  if (layer < 0) {
    embed(worker, x, first, rows);
  } else {
    layer_tile(worker, layer, x, rows, lf_projected_rows(run, layer));
  }
  if (next >= 0) {
    normalise(worker, x, &run->model->layers[next].attn_norm, rows);
    lf_projection_tile(worker, next, first, rows);
  } else {
    classify_tile(worker, x, first, rows);
  }
}

static void full_tile(lf_worker *worker, float *x, int32_t first, int32_t rows) {
  const lf_run *run = worker->run;
  const int32_t layer = (run->pass - 1) / 2;
  if (run->pass == 0) {
    embed(worker, x, first, rows);
  } else if (run->pass % 2 == 1) {
    normalise(worker, x, &run->model->layers[layer].attn_norm, rows);
    lf_tile_keys_values(worker, layer, first, rows);
  } else {
    layer_tile(worker, layer, x, rows, run->n);
    if (layer + 1 == run->model->config.n_layers) classify_tile(worker, x, first, rows);
  }
}

void lf_encode_tile(lf_worker *worker) {
  const lf_run *run = worker->run;
  const int32_t first = worker->tile * LF_TILE;
  const int32_t rows = run->n - first < LF_TILE ? run->n - first : LF_TILE;
  float *x = run->x + (size_t)first * run->ld;
  if (run->model->config.attention == LF_ATTENTION_FULL) {
    full_tile(worker, x, first, rows);
  } else {
    linformer_tile(worker, x, first, rows);
  }
}

void lf_between_passes(lf_worker *worker) {
  lf_run *run = worker->run;
  const int32_t layer = lf_projected_layer(run);
  if (layer < 0) return;
  if (run->n_threads > 1) {
    for (int32_t slab = 0; slab < run->n_slabs; slab++) {
      lf_projection_add(run, layer, run->p_slabs + (size_t)slab * run->p_size);
    }
  }
  lf_projection_end(run, layer);
  lf_project_keys_values(worker, layer);
}
