/* encoder.c - what happens to one tile of x in one pass
 *
 * The Linformer makes 1 + n_layers passes over x. Pass 0 embeds; pass 1 + l is layer l. While a tile is in cache, each
 * pass also adds the tile's share to the next layer's p, so no pass reads x only to project it:
 *
 *     pass 0          x = embedding                        p  = E_0 LN1_0(x)
 *     pass 1 + l      K, V from p, then for each tile      x += attention, x += feed-forward, p = E_(l+1) LN1_(l+1)(x)
 *     the last one    also                                 contributions = LN(x) W_head
 *
 * Full attention needs all keys of a layer before its first query, so a layer is two passes: keys and values, then the rest. */
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
static void embed(lf_worker *worker, lf_rows x, int32_t first, int32_t rows) {
  const lf_model *model = worker->run->model;
  const size_t d = (size_t)model->config.d_model;
  const int learned = model->config.positions == LF_POSITIONS_LEARNED;
  memset(x.data, 0, (size_t)rows * x.ld * sizeof *x.data);
  if (!learned) lf_sinusoidal_rows(worker->q, first, rows, model->config.d_model);
  for (size_t t = 0; t < (size_t)rows; t++) {
    const size_t token = (size_t)first + t;
    const size_t id = (size_t)worker->run->ids[token];
    float *row = x.data + t * x.ld;
    float *position = worker->q.data + t * worker->q.ld;
    if (learned) lf_widen(position, &model->position, token * d, token, d);
    lf_widen(row, &model->token, id * d, id, d);
    for (size_t i = 0; i < d; i++) row[i] = row[i] + position[i];
  }
}

/* worker->h = LN(x) */
static void normalise(lf_worker *worker, lf_rows x, const lf_norm *norm, int32_t rows) {
  const size_t d = (size_t)worker->run->model->config.d_model;
  lf_layer_norm(worker->h, x, norm->gain, norm->bias, (size_t)rows, d);
}

/* x += attention(LN1(x)) W_O + b_O;  x += W_2 gelu(W_1 LN2(x) + b_1) + b_2 */
static void layer_tile(lf_worker *worker, int32_t layer, lf_rows x, int32_t rows, int32_t n_keys) {
  const lf_layer *weights = &worker->run->model->layers[layer];
  const size_t m = (size_t)rows;

  normalise(worker, x, &weights->attn_norm, rows);
  lf_attend(worker, layer, rows, n_keys);
  lf_linear_rows(worker, x, worker->ctx, &weights->out, LF_ADD, m);

  normalise(worker, x, &weights->ffn_norm, rows);
  lf_linear_rows(worker, worker->ff, worker->h, &weights->ffn_in, LF_SET, m);
  lf_gelu_linear_rows(worker, x, worker->ff, &weights->ffn_out, m);
}

/* contributions[t][c] = LN(x_t) . w_c */
static void classify_tile(lf_worker *worker, lf_rows x, int32_t first, int32_t rows) {
  const lf_run *run = worker->run;
  const size_t n_classes = run->model->head.weight.n_out;
  normalise(worker, x, &run->model->norm, rows);
  lf_gemm(worker->class_tile, worker->h, run->model->head.weight, NULL, LF_SET, (size_t)rows);
  for (size_t t = 0; t < (size_t)rows; t++) {
    memcpy(run->contributions + ((size_t)first + t) * n_classes, worker->class_tile.data + t * worker->class_tile.ld,
           n_classes * sizeof(float));
  }
}

static void linformer_tile(lf_worker *worker, lf_rows x, int32_t first, int32_t rows) {
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

static void full_tile(lf_worker *worker, lf_rows x, int32_t first, int32_t rows) {
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
  const lf_rows x = lf_rows_at(run->x, (size_t)first, 0);
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
    for (int32_t chunk = 0; chunk < run->n_chunks; chunk++) {
      lf_projection_add(run, layer, run->p_chunks + (size_t)chunk * run->p_size);
    }
  }
  lf_projection_end(run, layer);
  lf_project_keys_values(worker, layer);
}
