/* attention.c - keys, values and softmax attention for one tile of queries
 *
 * The Linformer and the standard Transformer share all of it: they differ only in where keys and values come from,
 * k projected rows or all n rows. The softmax sees the keys in blocks of LF_KEY_BLOCK (Milakov and Gimelshein 2018;
 * Dao et al. 2022), so scores never leave the cache, whatever the number of keys. */
#include <string.h>

#include "run.h"

static size_t head_size(const lf_run *run) { return run->workers[0].softmax.n_ctx; }

/* The keys of one head from key `first` on, in panels of LF_LANES keys; first is a multiple of LF_LANES. */
static lf_panels keys_of(const lf_run *run, size_t head, size_t first, size_t count) {
  const size_t d_head = head_size(run);
  return (lf_panels){.data = run->keys + head * run->key_head + first * d_head,
                     .panel_stride = d_head * LF_LANES,
                     .row_stride = LF_LANES,
                     .n_in = d_head,
                     .n_out = count};
}

static lf_quantised_panels quantised_keys_of(const lf_run *run, size_t head, size_t first, size_t count) {
  const size_t key = head * lf_pad(run->key_cap) + first;
  lf_quantised_panels keys = run->quantised_keys;
  keys.data += head * run->key_head + first / LF_LANES * keys.panel_stride;
  keys.scale += key;
  keys.sum += key;
  keys.n_out = count;
  return keys;
}

/* The values of one head from key `first` on, [count, d_head]. */
static lf_rows values_of(const lf_run *run, size_t head, size_t first) {
  return lf_rows_at(run->values, head * run->key_cap + first, 0);
}

/* The same, as one block of keys; first is a multiple of LF_KEY_BLOCK. */
static lf_quantised_panels quantised_values_of(const lf_run *run, size_t head, size_t first, size_t count) {
  const size_t n_blocks = (run->key_cap + LF_KEY_BLOCK - 1) / LF_KEY_BLOCK;
  const size_t channel = (head * n_blocks + first / LF_KEY_BLOCK) * run->values.ld;
  lf_quantised_panels values = run->quantised_values;
  values.data += channel / LF_LANES * values.panel_stride;
  values.scale += channel;
  values.sum += channel;
  values.n_in = count;
  return values;
}

/* One head's columns of `source` become keys first .. first + rows - 1 of that head. */
static void store_keys(lf_run *run, size_t head, lf_rows source, size_t first, size_t rows) {
  const size_t d_head = head_size(run);
  const lf_rows in = lf_rows_at(source, 0, head * d_head);
  if (run->keys == NULL) {
    lf_quantise_weights(quantised_keys_of(run, head, 0, 0), first, in, rows);
    return;
  }
  for (size_t r = 0; r < rows; r++) {
    const size_t j = first + r;
    const float *key = in.data + r * in.ld;
    float *lane = run->keys + head * run->key_head + j / LF_LANES * d_head * LF_LANES + j % LF_LANES;
    for (size_t i = 0; i < d_head; i++) lane[i * LF_LANES] = key[i];
  }
}

static void store_values(lf_run *run, size_t head, lf_rows source, size_t first, size_t rows) {
  const size_t d_head = head_size(run);
  const lf_rows values = values_of(run, head, first);
  for (size_t r = 0; r < rows; r++) {
    memcpy(values.data + r * values.ld, source.data + r * source.ld + head * d_head, d_head * sizeof *values.data);
  }
}

/* The blocks of values that are complete with these rows, of k in all, once more, quantised. */
static void quantise_values(lf_run *run, lf_range rows, size_t k) {
  const size_t n_heads = (size_t)run->model->config.n_heads;
  for (size_t first = (size_t)rows.first / LF_KEY_BLOCK * LF_KEY_BLOCK; first < (size_t)rows.end;
       first += LF_KEY_BLOCK) {
    const size_t count = k - first < LF_KEY_BLOCK ? k - first : LF_KEY_BLOCK;
    if (first + count > (size_t)rows.end) return;
    for (size_t head = 0; head < n_heads; head++) {
      lf_quantise_weight_columns(quantised_values_of(run, head, first, count), values_of(run, head, first));
    }
  }
}

/* worker->q = the columns of in W + b that heads first_head .. last_head need, where they belong. */
static void map_heads(lf_worker *worker, lf_rows in, const lf_linear *linear, size_t first_head, size_t last_head,
                      size_t rows) {
  const size_t d_head = head_size(worker->run);
  const size_t start = first_head * d_head / LF_LANES * LF_LANES;
  const size_t end = (last_head + 1) * d_head;
  lf_linear_columns(worker, lf_rows_at(worker->q, 0, start), in, linear, start, end - start, rows);
}

void lf_project_keys_values(lf_worker *worker, int32_t layer, lf_range rows) {
  lf_run *run = worker->run;
  const lf_config *config = &run->model->config;
  const lf_layer *weights = &run->model->layers[layer];
  const size_t n_heads = (size_t)config->n_heads;
  const size_t key_matrices = (size_t)lf_key_matrices(config);
  const size_t value_matrices = (size_t)lf_all_matrices(config) - key_matrices;
  const size_t heads_each = n_heads / key_matrices; /* heads that one matrix serves: all, or one */
  const size_t first = (size_t)rows.first;
  const size_t count = (size_t)(rows.end - rows.first);
  for (size_t m = 0; m < key_matrices; m++) {
    const size_t first_head = m * heads_each;
    const size_t last_head = first_head + heads_each - 1;
    lf_rows p = lf_projection_rows(worker, m, first, count);
    lf_linear_input(worker, p, &weights->key, count);
    map_heads(worker, p, &weights->key, first_head, last_head, count);
    for (size_t head = first_head; head <= last_head; head++) store_keys(run, head, worker->q, first, count);
    if (value_matrices > 0) {
      p = lf_projection_rows(worker, key_matrices + m, first, count);
      lf_linear_input(worker, p, &weights->value, count);
    }
    map_heads(worker, p, &weights->value, first_head, last_head, count);
    for (size_t head = first_head; head <= last_head; head++) store_values(run, head, worker->q, first, count);
  }
  if (run->quantised_values.data != NULL) quantise_values(run, rows, (size_t)lf_projected_rows(run, layer));
}

void lf_tile_keys_values(lf_worker *worker, int32_t layer, int32_t first, int32_t rows) {
  lf_run *run = worker->run;
  const lf_layer *weights = &run->model->layers[layer];
  const size_t n_heads = (size_t)run->model->config.n_heads;
  lf_linear_input(worker, worker->h, &weights->key, (size_t)rows);
  map_heads(worker, worker->h, &weights->key, 0, n_heads - 1, (size_t)rows);
  for (size_t head = 0; head < n_heads; head++) store_keys(run, head, worker->q, (size_t)first, (size_t)rows);
  map_heads(worker, worker->h, &weights->value, 0, n_heads - 1, (size_t)rows);
  for (size_t head = 0; head < n_heads; head++) store_values(run, head, worker->q, (size_t)first, (size_t)rows);
}

/* worker->scores = q K^T for keys first .. first + count - 1 of one head. */
static void score_block(lf_worker *worker, size_t head, size_t rows, size_t first, size_t count) {
  const lf_run *run = worker->run;
  if (run->keys == NULL) {
    const lf_quantised_panels keys = quantised_keys_of(run, head, first, count);
    lf_gemm_int8(worker->scores, worker->quantised, keys, NULL, LF_SET, rows);
  } else {
    const lf_rows query = lf_rows_at(worker->q, 0, head * head_size(run));
    lf_gemm(worker->scores, query, keys_of(run, head, first, count), NULL, LF_SET, rows);
  }
}

/* worker->softmax.ctx += the numerators of the probabilities, times the values, of the same keys. */
static void weigh_block(lf_worker *worker, size_t head, size_t rows, size_t first, size_t count) {
  const lf_run *run = worker->run;
  const lf_rows ctx = worker->softmax.ctx;
  if (run->quantised_values.data != NULL) {
    const lf_quantised_panels values = quantised_values_of(run, head, first, count);
    lf_softmax_quantise(worker->probs, worker->scores, worker->softmax, rows, count);
    lf_gemm_int8(ctx, worker->probs, values, NULL, LF_ADD, rows);
  } else {
    const lf_rows rows_of_values = values_of(run, head, first);
    const lf_panels values = {.data = rows_of_values.data,
                              .panel_stride = LF_LANES,
                              .row_stride = rows_of_values.ld,
                              .n_in = count,
                              .n_out = head_size(run)};
    lf_softmax_block(worker->scores, worker->softmax, rows, count);
    lf_gemm(ctx, worker->scores, values, NULL, LF_ADD, rows);
  }
}

/* One head of worker->ctx. */
static void attend_head(lf_worker *worker, size_t head, size_t rows, size_t n_keys) {
  const lf_run *run = worker->run;
  const lf_softmax state = worker->softmax;
  const size_t column = head * state.n_ctx;
  for (size_t r = 0; r < rows; r++) {
    state.max[r] = -__builtin_inff(); /* so that scores which all overflow downwards give NaN, not equal shares */
    state.sum[r] = 0.0f;
  }
  memset(state.ctx.data, 0, rows * state.ctx.ld * sizeof *state.ctx.data);
  if (run->keys == NULL) lf_quantise(worker->quantised, lf_rows_at(worker->q, 0, column), rows, state.n_ctx);
  for (size_t first = 0; first < n_keys; first += LF_KEY_BLOCK) {
    const size_t count = n_keys - first < LF_KEY_BLOCK ? n_keys - first : LF_KEY_BLOCK;
    score_block(worker, head, rows, first, count);
    weigh_block(worker, head, rows, first, count);
  }
  lf_divide_rows(lf_rows_at(worker->ctx, 0, column), state.ctx, state.sum, rows, state.n_ctx);
}

void lf_attend(lf_worker *worker, int32_t layer, int32_t rows, int32_t n_keys) {
  const lf_model *model = worker->run->model;
  lf_linear_rows(worker, worker->q, worker->h, &model->layers[layer].query, LF_SET, (size_t)rows);
  for (int32_t head = 0; head < model->config.n_heads; head++) {
    attend_head(worker, (size_t)head, (size_t)rows, (size_t)n_keys);
  }
}
