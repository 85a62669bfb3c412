/* encoder.c - what happens to one tile of x in one pass
 *
 * The Linformer makes 1 + n_layers passes over x. Pass 0 embeds; pass 1 + l is layer l. While a tile is in cache, each
 * pass also adds the tile's share to the next layer's p, so no pass reads x only to project it:
 *
 *     pass 0          x = embedding                        p  = E_0 LN1_0(x)
 *     pass 1 + l      K, V from p, then for each tile      x += attention, x += feed-forward, p = E_(l+1) LN1_(l+1)(x)
 *     the last one    also                                 pooled += a LN(x), s e with token vectors e
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
  const int32_t positions = model->config.positions;
  memset(x.data, 0, (size_t)rows * x.ld * sizeof *x.data);
  if (positions == LF_POSITIONS_SINUSOIDAL) lf_sinusoidal_rows(worker->q, first, rows, model->config.d_model);
  for (size_t t = 0; t < (size_t)rows; t++) {
    const size_t token = (size_t)first + t;
    const size_t id = (size_t)worker->run->ids[token];
    float *row = x.data + t * x.ld;
    float *position = worker->q.data + t * worker->q.ld;
    lf_widen(row, &model->token, id * d, id, d);
    if (positions == LF_POSITIONS_NONE) continue;
    if (positions == LF_POSITIONS_LEARNED) lf_widen(position, &model->position, token * d, token, d);
    for (size_t i = 0; i < d; i++) row[i] = row[i] + position[i];
  }
}

/* x += W_out gelu(W_in [token_(t-1); token_t; token_(t+1)] + b_in) + b_out, with zeros beyond the ends of the document.
 *
 * The token vectors lie one behind the other without padding: three of them, from token t - 1 on, are a row of the
 * convolution's input, and the next row starts one token later. So nothing is copied. */
static void convolve(lf_worker *worker, lf_rows x, int32_t first, int32_t rows) {
  const lf_run *run = worker->run;
  const lf_model *model = run->model;
  const size_t d = (size_t)model->config.d_model;
  for (int32_t t = first - 1; t <= first + rows; t++) {
    float *row = worker->tokens + (size_t)(t - first + 1) * d;
    if (t < 0 || t >= run->n) {
      memset(row, 0, d * sizeof *row);
    } else {
      lf_widen(row, &model->token, (size_t)run->ids[t] * d, (size_t)run->ids[t], d);
    }
  }
  const lf_rows in = {.data = worker->tokens, .ld = d};
  lf_linear_rows(worker, worker->ff, in, &model->stem_in, LF_SET, (size_t)rows);
  lf_gelu_linear_rows(worker, x, worker->ff, &model->stem_out, (size_t)rows);
}

/* x before the first layer. */
static void embed_tile(lf_worker *worker, lf_rows x, int32_t first, int32_t rows) {
  embed(worker, x, first, rows);
  if (worker->run->model->config.stem > 0) convolve(worker, x, first, rows);
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

/* a_t of the tile's tokens, from worker->h = LN(x) */
static void weigh_tile(lf_worker *worker, float *importance, int32_t first, int32_t rows) {
  const lf_model *model = worker->run->model;
  const lf_rows scores = worker->scores;
  lf_gemm(scores, worker->h, model->pool_weight, NULL, LF_SET, (size_t)rows);
  for (size_t t = 0; t < (size_t)rows; t++) {
    importance[t] = model->pool_token[worker->run->ids[(size_t)first + t]] + scores.data[t * scores.ld];
  }
  lf_importance(importance, (size_t)rows);
}

void lf_weighted_tokens(const lf_model *model, lf_rows out, float *weight, const int32_t *ids, size_t rows) {
  const size_t d = (size_t)model->config.d_model;
  for (size_t t = 0; t < rows; t++) weight[t] = model->pool_token != NULL ? model->pool_token[ids[t]] : 0.0f;
  lf_importance(weight, rows);
  for (size_t t = 0; t < rows; t++) {
    float *row = out.data + t * out.ld;
    lf_widen(row, &model->token, (size_t)ids[t] * d, (size_t)ids[t], d);
    if (model->pool_token != NULL) lf_scale(row, weight[t], d);
  }
}

/* sums += the rows of worker->h, and their weights, 1 if there are none; in single precision within the tile, in double
 * beyond it. */
static void add_tile(lf_worker *worker, double *sums, const float *weight, size_t rows) {
  const size_t d = (size_t)worker->run->model->config.d_model;
  memset(worker->pooled, 0, lf_pad(d) * sizeof *worker->pooled);
  for (size_t t = 0; t < rows; t++) {
    lf_add(worker->pooled, worker->h.data + t * worker->h.ld, d);
    sums[d] += weight != NULL ? (double)weight[t] : 1.0;
  }
  for (size_t i = 0; i < d; i++) sums[i] += (double)worker->pooled[i];
}

/* The chunk's sums += a_t LN(x_t), a_t, and s_t e_t, s_t. */
static void pool_tile(lf_worker *worker, lf_rows x, int32_t first, int32_t rows) {
  const lf_run *run = worker->run;
  const size_t d = (size_t)run->model->config.d_model;
  float *importance = run->importance != NULL ? run->importance + first : NULL;
  double *sums = run->pooled_chunks + (size_t)worker->chunk * 2 * (d + 1);
  normalise(worker, x, &run->model->norm, rows);
  if (importance != NULL) weigh_tile(worker, importance, first, rows);
  for (size_t t = 0; importance != NULL && t < (size_t)rows; t++) {
    lf_scale(worker->h.data + t * worker->h.ld, importance[t], d);
  }
  add_tile(worker, sums, importance, (size_t)rows);
  float *token_weight = worker->scores.data;
  lf_weighted_tokens(run->model, worker->h, token_weight, run->ids + first, (size_t)rows);
  add_tile(worker, sums + d + 1, token_weight, (size_t)rows);
}

static void linformer_tile(lf_worker *worker, lf_rows x, int32_t first, int32_t rows) {
  const lf_run *run = worker->run;
  const int32_t layer = run->pass - 1;
  const int32_t next = lf_projected_layer(run);
  if (layer < 0) {
    embed_tile(worker, x, first, rows);
  } else {
    layer_tile(worker, layer, x, rows, lf_projected_rows(run, layer));
  }
  if (next >= 0) {
    normalise(worker, x, &run->model->layers[next].attn_norm, rows);
    lf_projection_tile(worker, next, first, rows);
  } else {
    pool_tile(worker, x, first, rows);
  }
}

static void full_tile(lf_worker *worker, lf_rows x, int32_t first, int32_t rows) {
  const lf_run *run = worker->run;
  const int32_t layer = (run->pass - 1) / 2;
  if (run->pass == 0) {
    embed_tile(worker, x, first, rows);
  } else if (run->pass % 2 == 1) {
    normalise(worker, x, &run->model->layers[layer].attn_norm, rows);
    lf_tile_keys_values(worker, layer, first, rows);
  } else {
    layer_tile(worker, layer, x, rows, run->n);
    if (layer + 1 == run->model->config.n_layers) pool_tile(worker, x, first, rows);
  }
}

void lf_begin_chunk(lf_worker *worker, lf_range tiles) {
  lf_run *run = worker->run;
  const int32_t layer = lf_projected_layer(run);
  if (layer >= 0) {
    worker->p = run->p_chunks + (run->n_threads > 1 ? (size_t)worker->chunk * run->p_size : 0);
    lf_projection_begin(run, worker->p, layer, lf_projection_span(run, layer, tiles));
  } else if (run->pass + 1 == run->n_passes) {
    const size_t count = 2 * ((size_t)run->model->config.d_model + 1);
    memset(run->pooled_chunks + (size_t)worker->chunk * count, 0, count * sizeof(double));
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
