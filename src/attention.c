/* attention.c - keys, values and softmax attention for one tile of queries
 *
 * The Linformer and the standard Transformer share all of it: they differ only in where keys and values come from,
 * k projected rows or all n rows. The softmax sees the keys in blocks of LF_KEY_BLOCK (Milakov and Gimelshein 2018;
 * Dao et al. 2022), so scores never leave the cache, whatever the number of keys. */
#include <string.h>

#include "run.h"

static size_t head_size(const lf_run *run) { return (size_t)(run->model->config.d_model / run->model->config.n_heads); }

/* One head's keys, in panels of LF_LANES keys, and values, [key_cap, ld_head]. */
static float *keys_of(const lf_run *run, size_t head) { return run->keys + head * run->key_head; }
static float *values_of(const lf_run *run, size_t head) { return run->values + head * run->key_cap * run->ld_head; }
static lf_codes codes_of(const lf_run *run, size_t head) {
  const size_t first = head * lf_pad(run->key_cap);
  return (lf_codes){.data = run->key_codes.data + head * run->key_head,
                    .scale = run->key_codes.scale + first,
                    .sum = run->key_codes.sum + first,
                    .panel_stride = run->key_codes.panel_stride};
}

/* Key j as codes, with a scale of its own. */
static void store_key_codes(lf_codes keys, size_t j, const float *key, size_t d_head) {
  float scale = 0.0f;
  float poison = 0.0f; /* a NaN or an infinity must not be lost */
  for (size_t i = 0; i < d_head; i++) {
    const float magnitude = key[i] < 0.0f ? -key[i] : key[i];
    scale = scale < magnitude ? magnitude : scale;
    poison = poison + key[i] * 0.0f;
  }
  scale = lf_code_scale(scale) + poison;
  int32_t sum = 0;
  for (size_t i = 0; i < lf_pad_group(d_head); i++) {
    const int8_t code = i < d_head ? lf_code(key[i], scale) : 0;
    keys.data[lf_code_place(keys.panel_stride, j, i)] = code;
    sum += code;
  }
  keys.scale[j] = scale;
  keys.sum[j] = (float)sum;
}

/* One head's columns of `source` [rows, ld] become keys first .. first + rows - 1 of that head. */
static void store_keys(lf_run *run, size_t head, const float *source, size_t first, size_t rows) {
  const size_t d_head = head_size(run);
  for (size_t r = 0; r < rows; r++) {
    const size_t j = first + r;
    const float *key = source + r * run->ld + head * d_head;
    if (run->keys == NULL) {
      store_key_codes(codes_of(run, head), j, key, d_head);
      continue;
    }
    float *lane = keys_of(run, head) + j / LF_LANES * d_head * LF_LANES + j % LF_LANES;
    for (size_t i = 0; i < d_head; i++) lane[i * LF_LANES] = key[i];
  }
}

static void store_values(lf_run *run, size_t head, const float *source, size_t first, size_t rows) {
  const size_t d_head = head_size(run);
  float *values = values_of(run, head) + first * run->ld_head;
  for (size_t r = 0; r < rows; r++) {
    memcpy(values + r * run->ld_head, source + r * run->ld + head * d_head, d_head * sizeof *values);
  }
}

/* worker->q = the columns of in W + b that heads first_head .. last_head need, in their places. */
static void map_heads(lf_worker *worker, const float *in, const lf_linear *linear, size_t first_head, size_t last_head,
                      size_t rows) {
  const lf_run *run = worker->run;
  const size_t d_head = head_size(run);
  const size_t start = first_head * d_head / LF_LANES * LF_LANES;
  const size_t end = (last_head + 1) * d_head;
  lf_linear_columns(worker->q + start, run->ld, in, run->ld, linear, start, rows, (size_t)run->model->config.d_model,
                    end - start);
}

void lf_project_keys_values(lf_worker *worker, int32_t layer) {
  lf_run *run = worker->run;
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
      map_heads(worker, p_key + first * run->ld, &weights->key, first_head, last_head, rows);
      for (size_t head = first_head; head <= last_head; head++) store_keys(run, head, worker->q, first, rows);
      map_heads(worker, p_value + first * run->ld, &weights->value, first_head, last_head, rows);
      for (size_t head = first_head; head <= last_head; head++) store_values(run, head, worker->q, first, rows);
    }
  }
}

void lf_tile_keys_values(lf_worker *worker, int32_t layer, int32_t first, int32_t rows) {
  lf_run *run = worker->run;
  const lf_layer *weights = &run->model->layers[layer];
  const size_t n_heads = (size_t)run->model->config.n_heads;
  map_heads(worker, worker->h, &weights->key, 0, n_heads - 1, (size_t)rows);
  for (size_t head = 0; head < n_heads; head++) store_keys(run, head, worker->q, (size_t)first, (size_t)rows);
  map_heads(worker, worker->h, &weights->value, 0, n_heads - 1, (size_t)rows);
  for (size_t head = 0; head < n_heads; head++) store_values(run, head, worker->q, (size_t)first, (size_t)rows);
}

/* One head of worker->ctx. */
static void attend_head(lf_worker *worker, size_t head, size_t rows, size_t n_keys) {
  const lf_run *run = worker->run;
  const size_t d_head = head_size(run);
  const float *q = worker->q + head * d_head;
  const float *values = values_of(run, head);
  for (size_t r = 0; r < rows; r++) {
    worker->row_max[r] = -__builtin_inff(); /* so that scores which all overflow downwards give NaN, not equal shares */
    worker->row_sum[r] = 0.0f;
  }
  memset(worker->head_ctx, 0, rows * run->ld_head * sizeof *worker->head_ctx);
  if (run->keys == NULL) {
    lf_quantise(worker->codes, run->ld_codes, worker->step, worker->low, q, run->ld, rows, d_head);
  }
  for (size_t first = 0; first < n_keys; first += LF_KEY_BLOCK) {
    const size_t count = n_keys - first < LF_KEY_BLOCK ? n_keys - first : LF_KEY_BLOCK;
    if (run->keys == NULL) {
      lf_codes k_block = codes_of(run, head);
      k_block.data += first / LF_LANES * k_block.panel_stride;
      k_block.scale += first;
      k_block.sum += first;
      lf_gemm_codes(worker->scores, LF_KEY_BLOCK, worker->codes, run->ld_codes, worker->step, worker->low, k_block,
                    NULL, 0, rows, d_head, count);
    } else {
      const lf_panels k_block = {
          .data = keys_of(run, head) + first * d_head, .panel_stride = d_head * LF_LANES, .row_stride = LF_LANES};
      lf_gemm(worker->scores, LF_KEY_BLOCK, q, run->ld, k_block, NULL, 0, rows, d_head, count);
    }
    lf_softmax_block(worker->scores, LF_KEY_BLOCK, worker->row_max, worker->row_sum, worker->head_ctx, run->ld_head,
                     rows, count, d_head);
    const lf_panels v_block = {
        .data = values + first * run->ld_head, .panel_stride = LF_LANES, .row_stride = run->ld_head};
    lf_gemm(worker->head_ctx, run->ld_head, worker->scores, LF_KEY_BLOCK, v_block, NULL, 1, rows, count, d_head);
  }
  lf_divide_rows(worker->ctx + head * d_head, run->ld, worker->head_ctx, run->ld_head, worker->row_sum, rows, d_head);
}

void lf_attend(lf_worker *worker, int32_t layer, int32_t rows, int32_t n_keys) {
  const lf_run *run = worker->run;
  const size_t d = (size_t)run->model->config.d_model;
  lf_linear_rows(worker, worker->q, run->ld, worker->h, run->ld, &run->model->layers[layer].query, 0, (size_t)rows, d,
                 d);
  for (int32_t head = 0; head < run->model->config.n_heads; head++) {
    attend_head(worker, (size_t)head, (size_t)rows, (size_t)n_keys);
  }
}
