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
static lf_codes key_codes_of(const lf_run *run, size_t head) {
  const size_t first = head * lf_pad(run->key_cap);
  return (lf_codes){.data = run->key_codes.data + head * run->key_head,
                    .scale = run->key_codes.scale + first,
                    .sum = run->key_codes.sum + first,
                    .panel_stride = run->key_codes.panel_stride};
}

/* The values of one head in block `block` of keys, [keys, d_head]. */
static lf_codes value_codes_of(const lf_run *run, size_t head, size_t block) {
  const size_t n_blocks = (run->key_cap + LF_KEY_BLOCK - 1) / LF_KEY_BLOCK;
  const size_t at = (head * n_blocks + block) * run->ld_head;
  return (lf_codes){.data = run->value_codes.data + at / LF_LANES * run->value_codes.panel_stride,
                    .scale = run->value_codes.scale + at,
                    .sum = run->value_codes.sum + at,
                    .panel_stride = run->value_codes.panel_stride};
}

/* Output j of `codes`, with a scale of its own: n values that are `stride` floats apart. */
static void store_codes(lf_codes codes, size_t j, const float *in, size_t stride, size_t n) {
  float largest = 0.0f;
  float poison = 0.0f; /* a NaN or an infinity must not be lost */
  for (size_t i = 0; i < n; i++) {
    const float value = in[i * stride];
    const float magnitude = value < 0.0f ? -value : value;
    largest = largest < magnitude ? magnitude : largest;
    poison = poison + value * 0.0f;
  }
  const float scale = lf_code_scale(largest) + poison;
  int32_t sum = 0;
  for (size_t i = 0; i < lf_pad_group(n); i++) {
    const int8_t code = i < n ? lf_code(in[i * stride], scale) : 0;
    codes.data[lf_code_place(codes.panel_stride, j, i)] = code;
    sum += code;
  }
  codes.scale[j] = scale;
  codes.sum[j] = (float)sum;
}

/* One head's columns of `source` [rows, ld] become keys first .. first + rows - 1 of that head. */
static void store_keys(lf_run *run, size_t head, const float *source, size_t first, size_t rows) {
  const size_t d_head = head_size(run);
  for (size_t r = 0; r < rows; r++) {
    const size_t j = first + r;
    const float *key = source + r * run->ld + head * d_head;
    if (run->keys == NULL) {
      store_codes(key_codes_of(run, head), j, key, 1, d_head);
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

/* The codes of the first `count` values of all heads. */
static void store_value_codes(lf_run *run, size_t count) {
  const size_t n_heads = (size_t)run->model->config.n_heads;
  for (size_t head = 0; head < n_heads; head++) {
    for (size_t first = 0; first < count; first += LF_KEY_BLOCK) {
      const lf_codes codes = value_codes_of(run, head, first / LF_KEY_BLOCK);
      const float *values = values_of(run, head) + first * run->ld_head;
      const size_t rows = count - first < LF_KEY_BLOCK ? count - first : LF_KEY_BLOCK;
      for (size_t i = 0; i < head_size(run); i++) store_codes(codes, i, values + i, run->ld_head, rows);
    }
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
    for (size_t first = 0; first < k; first += LF_TILE) {
      const size_t rows = k - first < LF_TILE ? k - first : LF_TILE;
      const float *p = lf_projection_rows(worker, m, first, rows);
      map_heads(worker, p, &weights->key, first_head, last_head, rows);
      for (size_t head = first_head; head <= last_head; head++) store_keys(run, head, worker->q, first, rows);
      if (value_matrices > 0) p = lf_projection_rows(worker, key_matrices + m, first, rows);
      map_heads(worker, p, &weights->value, first_head, last_head, rows);
      for (size_t head = first_head; head <= last_head; head++) store_values(run, head, worker->q, first, rows);
    }
  }
  if (run->value_codes.data != NULL) store_value_codes(run, k);
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

/* worker->scores = q K^T for keys first .. first + count - 1 of one head. */
static void score_block(lf_worker *worker, size_t head, size_t rows, size_t first, size_t count) {
  const lf_run *run = worker->run;
  const size_t d_head = head_size(run);
  if (run->keys == NULL) {
    lf_codes keys = key_codes_of(run, head);
    keys.data += first / LF_LANES * keys.panel_stride;
    keys.scale += first;
    keys.sum += first;
    lf_gemm_codes(worker->scores, LF_KEY_BLOCK, worker->codes, run->ld_codes, worker->step, worker->low, keys, NULL, 0,
                  rows, d_head, count);
  } else {
    const lf_panels keys = {
        .data = keys_of(run, head) + first * d_head, .panel_stride = d_head * LF_LANES, .row_stride = LF_LANES};
    lf_gemm(worker->scores, LF_KEY_BLOCK, worker->q + head * d_head, run->ld, keys, NULL, 0, rows, d_head, count);
  }
}

/* worker->head_ctx += the numerators of the probabilities, times the values, of the same keys. */
static void weigh_block(lf_worker *worker, size_t head, size_t rows, size_t first, size_t count) {
  const lf_run *run = worker->run;
  const size_t d_head = head_size(run);
  if (run->value_codes.data != NULL) {
    lf_softmax_quantise(worker->probs, LF_KEY_BLOCK, worker->probs_step, worker->scores, LF_KEY_BLOCK, worker->row_max,
                        worker->row_sum, worker->head_ctx, run->ld_head, rows, count, d_head);
    lf_gemm_codes(worker->head_ctx, run->ld_head, worker->probs, LF_KEY_BLOCK, worker->probs_step, NULL,
                  value_codes_of(run, head, first / LF_KEY_BLOCK), NULL, 1, rows, count, d_head);
  } else {
    const lf_panels values = {
        .data = values_of(run, head) + first * run->ld_head, .panel_stride = LF_LANES, .row_stride = run->ld_head};
    lf_softmax_block(worker->scores, LF_KEY_BLOCK, worker->row_max, worker->row_sum, worker->head_ctx, run->ld_head,
                     rows, count, d_head);
    lf_gemm(worker->head_ctx, run->ld_head, worker->scores, LF_KEY_BLOCK, values, NULL, 1, rows, count, d_head);
  }
}

/* One head of worker->ctx. */
static void attend_head(lf_worker *worker, size_t head, size_t rows, size_t n_keys) {
  const lf_run *run = worker->run;
  const size_t d_head = head_size(run);
  for (size_t r = 0; r < rows; r++) {
    worker->row_max[r] = -__builtin_inff(); /* so that scores which all overflow downwards give NaN, not equal shares */
    worker->row_sum[r] = 0.0f;
  }
  memset(worker->head_ctx, 0, rows * run->ld_head * sizeof *worker->head_ctx);
  if (run->keys == NULL) {
    lf_quantise(worker->codes, run->ld_codes, worker->step, worker->low, worker->q + head * d_head, run->ld, rows,
                d_head);
  }
  for (size_t first = 0; first < n_keys; first += LF_KEY_BLOCK) {
    const size_t count = n_keys - first < LF_KEY_BLOCK ? n_keys - first : LF_KEY_BLOCK;
    score_block(worker, head, rows, first, count);
    weigh_block(worker, head, rows, first, count);
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
