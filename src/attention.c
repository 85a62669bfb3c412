/* attention.c - keys, values and softmax attention for one tile of queries
 *
 * The Linformer and the standard Transformer share all of it: they differ only in where keys and values come from,
 * k projected rows or all n rows. The softmax sees the keys in blocks of LF_KEY_BLOCK (Milakov and Gimelshein 2018;
 * Dao et al. 2022), so scores never leave the cache, whatever the number of keys. */
#include <string.h>

#include "run.h"

static lf_panels packed(const lf_linear *linear, size_t n_in) {
  return (lf_panels){.data = linear->weight, .panel_stride = n_in * LF_LANES, .row_stride = LF_LANES};
}

static size_t head_size(const lf_run *run) { return (size_t)(run->model->config.d_model / run->model->config.n_heads); }

/* One head's keys, [lf_pad(key_cap) / LF_LANES, d_head, LF_LANES], and values, [key_cap, ld_head]. */
static float *keys_of(const lf_run *run, size_t head) {
  return run->keys + head * lf_pad(run->key_cap) * head_size(run);
}
static float *values_of(const lf_run *run, size_t head) { return run->values + head * run->key_cap * run->ld_head; }

/* One head's columns of `source` [rows, ld] become keys first .. first + rows - 1 of that head. */
static void store_keys(lf_run *run, size_t head, const float *source, size_t first, size_t rows) {
  const size_t d_head = head_size(run);
  float *keys = keys_of(run, head);
  for (size_t r = 0; r < rows; r++) {
    const size_t j = first + r;
    float *lane = keys + j / LF_LANES * d_head * LF_LANES + j % LF_LANES;
    for (size_t i = 0; i < d_head; i++) lane[i * LF_LANES] = source[r * run->ld + head * d_head + i];
  }
}

static void store_values(lf_run *run, size_t head, const float *source, size_t first, size_t rows) {
  const size_t d_head = head_size(run);
  float *values = values_of(run, head) + first * run->ld_head;
  for (size_t r = 0; r < rows; r++) {
    memcpy(values + r * run->ld_head, source + r * run->ld + head * d_head, d_head * sizeof *values);
  }
}

/* run->q = the columns of in W + b that heads first_head .. last_head need, in their places. */
static void map_heads(lf_run *run, const float *in, const lf_linear *linear, size_t first_head, size_t last_head,
                      size_t rows) {
  const size_t d = (size_t)run->model->config.d_model;
  const size_t d_head = head_size(run);
  const size_t start = first_head * d_head / LF_LANES * LF_LANES;
  const size_t end = (last_head + 1) * d_head;
  lf_panels w = packed(linear, d);
  w.data += start / LF_LANES * w.panel_stride;
  lf_gemm(run->q + start, run->ld, in, run->ld, w, linear->bias + start, 0, rows, d, end - start);
}

void lf_project_keys_values(lf_run *run, int32_t layer) {
  const lf_config *config = &run->model->config;
  const lf_layer *weights = &run->model->layers[layer];
  const size_t n_heads = (size_t)config->n_heads;
  const size_t key_matrices = (size_t)lf_key_matrices(config);
  const size_t value_matrices = (size_t)lf_all_matrices(config) - key_matrices;
  const size_t heads_each = n_heads / key_matrices; /* heads that one matrix serves: all, or one */
  const size_t k = (size_t)lf_projected_rows(run, layer);
  for (size_t m = 0; m < key_matrices; m++) {
    const size_t first_head = m * heads_each;
    const size_t last_head = first_head + heads_each - 1;
    const float *p_key = run->p + m * run->key_cap * run->ld;
    const float *p_value = value_matrices == 0 ? p_key : p_key + key_matrices * run->key_cap * run->ld;
    for (size_t first = 0; first < k; first += LF_TILE) {
      const size_t rows = k - first < LF_TILE ? k - first : LF_TILE;
      map_heads(run, p_key + first * run->ld, &weights->key, first_head, last_head, rows);
      for (size_t head = first_head; head <= last_head; head++) store_keys(run, head, run->q, first, rows);
      map_heads(run, p_value + first * run->ld, &weights->value, first_head, last_head, rows);
      for (size_t head = first_head; head <= last_head; head++) store_values(run, head, run->q, first, rows);
    }
  }
}

void lf_tile_keys_values(lf_run *run, int32_t layer, int32_t first, int32_t rows) {
  const lf_layer *weights = &run->model->layers[layer];
  const size_t n_heads = (size_t)run->model->config.n_heads;
  map_heads(run, run->h, &weights->key, 0, n_heads - 1, (size_t)rows);
  for (size_t head = 0; head < n_heads; head++) store_keys(run, head, run->q, (size_t)first, (size_t)rows);
  map_heads(run, run->h, &weights->value, 0, n_heads - 1, (size_t)rows);
  for (size_t head = 0; head < n_heads; head++) store_values(run, head, run->q, (size_t)first, (size_t)rows);
}

/* One head of run->ctx. */
static void attend_head(lf_run *run, size_t head, size_t rows, size_t n_keys) {
  const size_t d_head = head_size(run);
  const float *q = run->q + head * d_head;
  const float *keys = keys_of(run, head);
  const float *values = values_of(run, head);
  for (size_t r = 0; r < rows; r++) {
    run->row_max[r] = -__builtin_inff(); /* so that scores which all overflow downwards give NaN, not equal shares */
    run->row_sum[r] = 0.0f;
  }
  memset(run->head_ctx, 0, rows * run->ld_head * sizeof *run->head_ctx);
  for (size_t first = 0; first < n_keys; first += LF_KEY_BLOCK) {
    const size_t count = n_keys - first < LF_KEY_BLOCK ? n_keys - first : LF_KEY_BLOCK;
    const lf_panels k_block = {
        .data = keys + first * d_head, .panel_stride = d_head * LF_LANES, .row_stride = LF_LANES};
    const lf_panels v_block = {
        .data = values + first * run->ld_head, .panel_stride = LF_LANES, .row_stride = run->ld_head};
    lf_gemm(run->scores, LF_KEY_BLOCK, q, run->ld, k_block, NULL, 0, rows, d_head, count);
    lf_softmax_block(run->scores, LF_KEY_BLOCK, run->row_max, run->row_sum, run->head_ctx, run->ld_head, rows, count,
                     d_head);
    lf_gemm(run->head_ctx, run->ld_head, run->scores, LF_KEY_BLOCK, v_block, NULL, 1, rows, count, d_head);
  }
  lf_divide_rows(run->ctx + head * d_head, run->ld, run->head_ctx, run->ld_head, run->row_sum, rows, d_head);
}

void lf_attend(lf_run *run, int32_t layer, int32_t rows, int32_t n_keys) {
  const lf_config *config = &run->model->config;
  map_heads(run, run->h, &run->model->layers[layer].query, 0, (size_t)config->n_heads - 1, (size_t)rows);
  for (int32_t head = 0; head < config->n_heads; head++) {
    attend_head(run, (size_t)head, (size_t)rows, (size_t)n_keys);
  }
}
