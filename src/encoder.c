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

static lf_panels packed(const lf_linear *linear, int32_t n_in) {
  return (lf_panels){.data = linear->weight, .panel_stride = (size_t)n_in * LF_LANES, .row_stride = LF_LANES};
}

/* x = token embedding + position, in rows first .. first + rows - 1 */
static void embed(lf_run *run, float *x, int32_t first, int32_t rows) {
  const lf_model *model = run->model;
  const size_t d = (size_t)model->config.d_model;
  const int learned = model->config.positions == LF_POSITIONS_LEARNED;
  memset(x, 0, (size_t)rows * run->ld * sizeof *x);
  if (!learned) lf_sinusoidal_rows(run->q, run->ld, first, rows, model->config.d_model);
  for (int32_t t = 0; t < rows; t++) {
    float *row = x + (size_t)t * run->ld;
    const float *position = run->q + (size_t)t * run->ld;
    if (learned) lf_stored_row(run->q + (size_t)t * run->ld, &model->position, d, (size_t)first + (size_t)t, 0, d);
    lf_stored_row(row, &model->token, d, (size_t)run->ids[first + t], 0, d);
    for (size_t i = 0; i < d; i++) row[i] = row[i] + position[i];
  }
}

static void normalise(lf_run *run, const float *x, const lf_norm *norm, int32_t rows) {
  lf_layer_norm(run->h, x, norm->gain, norm->bias, (size_t)rows, (size_t)run->model->config.d_model, run->ld);
}

/* x += attention(LN1(x)) W_O + b_O;  x += W_2 gelu(W_1 LN2(x) + b_1) + b_2 */
static void layer_tile(lf_run *run, int32_t layer, float *x, int32_t rows, int32_t n_keys) {
  const lf_config *config = &run->model->config;
  const lf_layer *weights = &run->model->layers[layer];
  const size_t d = (size_t)config->d_model;
  const size_t d_ff = (size_t)config->d_ff;
  const size_t m = (size_t)rows;

  normalise(run, x, &weights->attn_norm, rows);
  lf_attend(run, layer, rows, n_keys);
  lf_gemm(x, run->ld, run->ctx, run->ld, packed(&weights->out, config->d_model), weights->out.bias, 1, m, d, d);

  normalise(run, x, &weights->ffn_norm, rows);
  lf_gemm(run->ff, run->ld_ff, run->h, run->ld, packed(&weights->ffn_in, config->d_model), weights->ffn_in.bias, 0, m,
          d, d_ff);
  lf_gelu(run->ff, m, d_ff, run->ld_ff);
  lf_gemm(x, run->ld, run->ff, run->ld_ff, packed(&weights->ffn_out, config->d_ff), weights->ffn_out.bias, 1, m, d_ff,
          d);
}

/* contributions[t][c] = LN(x_t) . w_c */
static void classify_tile(lf_run *run, const float *x, int32_t first, int32_t rows) {
  const lf_model *model = run->model;
  const size_t n_classes = (size_t)model->config.n_classes;
  normalise(run, x, &model->norm, rows);
  lf_gemm(run->class_tile, run->ld_classes, run->h, run->ld, packed(&model->head, model->config.d_model), NULL, 0,
          (size_t)rows, (size_t)model->config.d_model, n_classes);
  for (int32_t t = 0; t < rows; t++) {
    memcpy(run->contributions + (size_t)(first + t) * n_classes, run->class_tile + (size_t)t * run->ld_classes,
           n_classes * sizeof(float));
  }
}

static void linformer_tile(lf_run *run, float *x, int32_t first, int32_t rows) {
  const int32_t layer = run->pass - 1;
  const int32_t next = layer + 1;
  const int has_next = next < run->model->config.n_layers;
  if (first == 0 && layer >= 0) {
    lf_projection_end(run, layer);
    lf_project_keys_values(run, layer);
  }
  if (first == 0 && has_next) lf_projection_begin(run, next);

  if (layer < 0) {
    embed(run, x, first, rows);
  } else {
    layer_tile(run, layer, x, rows, lf_projected_rows(run, layer));
  }
  if (has_next) {
    normalise(run, x, &run->model->layers[next].attn_norm, rows);
    lf_projection_tile(run, next, first, rows);
  } else {
    classify_tile(run, x, first, rows);
  }
}

static void full_tile(lf_run *run, float *x, int32_t first, int32_t rows) {
  const int32_t layer = (run->pass - 1) / 2;
  if (run->pass == 0) {
    embed(run, x, first, rows);
  } else if (run->pass % 2 == 1) {
    normalise(run, x, &run->model->layers[layer].attn_norm, rows);
    lf_tile_keys_values(run, layer, first, rows);
  } else {
    layer_tile(run, layer, x, rows, run->n);
    if (layer + 1 == run->model->config.n_layers) classify_tile(run, x, first, rows);
  }
}

void lf_encode_tile(lf_run *run) {
  const int32_t first = run->tile * LF_TILE;
  const int32_t rows = run->n - first < LF_TILE ? run->n - first : LF_TILE;
  float *x = run->x + (size_t)first * run->ld;
  if (run->model->config.attention == LF_ATTENTION_FULL) {
    full_tile(run, x, first, rows);
  } else {
    linformer_tile(run, x, first, rows);
  }
}
