/* run.c - the run, as linformer.h has it: its memory, its beginning, its steps and its result */
#include <string.h>

#include "run.h"

/* ---- memory: one function for the size and the pointers ---- */

static lf_rows take_rows(lf_arena *arena, uint64_t rows, size_t n) {
  return (lf_rows){.data = lf_arena_take(arena, rows * lf_pad(n), sizeof(float)), .ld = lf_pad(n)};
}

static void carve_worker(lf_arena *arena, lf_worker *worker, lf_run *run, const lf_config *config) {
  const uint64_t size = sizeof(float);
  const int int8 = config->precision == LF_PRECISION_INT8;
  const size_t d_head = (size_t)(config->d_model / config->n_heads);
  memset(worker, 0, sizeof *worker);
  worker->run = run;
  worker->chunk = -1;
  worker->h = take_rows(arena, LF_TILE, (size_t)config->d_model);
  worker->q = take_rows(arena, LF_TILE, (size_t)config->d_model);
  worker->ctx = take_rows(arena, LF_TILE, (size_t)config->d_model);
  worker->softmax.ctx = take_rows(arena, LF_TILE, d_head);
  worker->softmax.n_ctx = d_head;
  worker->ff = take_rows(arena, LF_TILE, (size_t)(config->d_ff > config->stem ? config->d_ff : config->stem));
  if (config->stem > 0) worker->tokens = lf_arena_take(arena, (LF_TILE + 2) * (uint64_t)config->d_model, size);
  worker->scores = take_rows(arena, LF_TILE, LF_KEY_BLOCK);
  worker->softmax.max = lf_arena_take(arena, LF_TILE, size);
  worker->softmax.sum = lf_arena_take(arena, LF_TILE, size);
  if (config->attention == LF_ATTENTION_LINFORMER) {
    if (lf_projects_int8(config)) {
      worker->e_sum = lf_arena_take(arena, run->ld_p, size);
    } else {
      worker->e_tile = lf_arena_take(arena, run->key_cap * LF_TILE, size);
    }
  }
  worker->pooled = lf_arena_take(arena, worker->h.ld, size);
  if (!int8) return;

  const size_t three_tokens = config->stem > 0 ? lf_pad(3 * (size_t)config->d_model) : 0;
  size_t widest = worker->h.ld > worker->ff.ld ? worker->h.ld : worker->ff.ld;
  widest = widest > three_tokens ? widest : three_tokens;
  const size_t most_rows = worker->h.ld > LF_TILE ? worker->h.ld : LF_TILE;
  worker->probs.ld = LF_KEY_BLOCK;
  worker->probs.data = lf_arena_take(arena, (uint64_t)LF_TILE * LF_KEY_BLOCK, sizeof(uint8_t));
  worker->probs.scale = lf_arena_take(arena, LF_TILE, size);
  worker->quantised.ld = widest;
  worker->quantised.data = lf_arena_take(arena, LF_TILE * widest, sizeof(uint8_t));
  worker->quantised.scale = lf_arena_take(arena, most_rows, size);
  worker->quantised.offset = lf_arena_take(arena, most_rows, size);
  worker->columns = worker->quantised;
  worker->columns.ld = LF_TILE;
}

/* Keys and values of one layer. */
static void carve_keys_values(lf_arena *arena, lf_run *run, const lf_config *config) {
  const uint64_t size = sizeof(float);
  const uint64_t heads = (uint64_t)config->n_heads;
  const size_t d_head = (size_t)(config->d_model / config->n_heads);
  const uint64_t key_cap = run->key_cap;
  const uint64_t keys = (key_cap + LF_LANES - 1) / LF_LANES * LF_LANES;
  if (config->precision == LF_PRECISION_INT8) {
    run->key_head = (size_t)(keys * lf_pad_group(d_head));
    run->quantised_keys =
        (lf_quantised_panels){.data = lf_arena_take(arena, heads * keys * lf_pad_group(d_head), sizeof(int8_t)),
                              .scale = lf_arena_take(arena, heads * keys, size),
                              .sum = lf_arena_take(arena, heads * keys, size),
                              .panel_stride = lf_pad_group(d_head) * LF_LANES,
                              .n_in = d_head};
  } else {
    run->key_head = (size_t)(keys * d_head);
    run->keys = lf_arena_take(arena, heads * keys * d_head, size);
  }
  run->values = take_rows(arena, heads * key_cap, d_head);
  if (config->precision == LF_PRECISION_INT8 && config->attention == LF_ATTENTION_LINFORMER) {
    const uint64_t block = key_cap < LF_KEY_BLOCK ? lf_pad_group((size_t)key_cap) : LF_KEY_BLOCK;
    const uint64_t channels = heads * ((key_cap + LF_KEY_BLOCK - 1) / LF_KEY_BLOCK) * run->values.ld;
    run->quantised_values = (lf_quantised_panels){.data = lf_arena_take(arena, channels * block, sizeof(int8_t)),
                                                  .scale = lf_arena_take(arena, channels, size),
                                                  .sum = lf_arena_take(arena, channels, size),
                                                  .panel_stride = (size_t)block * LF_LANES,
                                                  .n_out = d_head};
  }
}

/* Lays a run out from `base`, or with a base of NULL only counts. Returns the bytes it takes. */
static uint64_t carve(uint8_t *base, const lf_config *config, int32_t n_cap, int32_t n_threads) {
  lf_arena arena = {.base = base};
  lf_run counted;
  lf_worker counted_worker;
  lf_run *run = lf_arena_take(&arena, 1, sizeof(lf_run));
  if (run == NULL) run = &counted;
  memset(run, 0, sizeof *run);

  const int full = config->attention == LF_ATTENTION_FULL;
  const uint64_t cap = (uint64_t)n_cap;
  const uint64_t size = sizeof(float);
  run->n_cap = n_cap;
  run->n_threads = n_threads;
  run->key_cap = full ? (size_t)cap : (size_t)lf_k_max(config);
  run->ids = lf_arena_take(&arena, cap, sizeof(int32_t));
  run->x = take_rows(&arena, cap, (size_t)config->d_model);
  if (config->importance) run->importance = lf_arena_take(&arena, lf_pad((size_t)cap), size);
  run->pooled = lf_arena_take(&arena, 2 * (uint64_t)config->d_model, size);
  run->pooled_chunks = lf_arena_take(&arena, 2 * LF_CHUNKS * ((uint64_t)config->d_model + 1), sizeof(double));
  if (!full) {
    const int int8 = lf_projects_int8(config);
    run->ld_p = int8 ? lf_pad(run->key_cap) : run->x.ld;
    const uint64_t p_rows = int8 ? (uint64_t)config->d_model : run->key_cap;
    const uint64_t p_size = (uint64_t)lf_all_matrices(config) * p_rows * run->ld_p;
    run->p_size = (size_t)p_size;
    run->p = lf_arena_take(&arena, p_size, size);
    run->p_chunks = lf_arena_take(&arena, p_size * (n_threads > 1 ? LF_CHUNKS : 1), size);
  }
  carve_keys_values(&arena, run, config);
  run->workers = lf_arena_take(&arena, (uint64_t)n_threads, sizeof(lf_worker));
  for (int32_t i = 0; i < n_threads; i++) {
    carve_worker(&arena, run->workers != NULL ? &run->workers[i] : &counted_worker, run, config);
  }
  return arena.used;
}

static int valid_sizes(const lf_config *config, int32_t n_cap, int32_t n_threads) {
  return n_cap >= 1 && n_cap <= config->n_max && n_threads >= 1 && n_threads <= LF_MAX_THREADS;
}

uint64_t lf_workspace_bytes(const lf_config *config, int32_t n_cap, int32_t n_threads) {
  if (lf_config_check(config) != LF_OK || !valid_sizes(config, n_cap, n_threads)) return 0;
  return carve(NULL, config, n_cap, n_threads);
}

lf_status lf_run_init(lf_run *run, uint64_t bytes, const lf_model *model, int32_t n_cap, int32_t n_threads) {
  if (model == NULL || lf_model_ready(model) != LF_OK) return LF_ERROR_MISSING;
  if (!valid_sizes(&model->config, n_cap, n_threads)) return LF_ERROR_LENGTH;
  const uint64_t needed = lf_workspace_bytes(&model->config, n_cap, n_threads);
  if (run == NULL || (uintptr_t)run % LF_ALIGN != 0 || bytes < needed) return LF_ERROR_MEMORY;
  carve((uint8_t *)run, &model->config, n_cap, n_threads);
  run->model = model;
  return LF_OK;
}

/* ---- a document ---- */

/* No thread holds a chunk any more, and there is no document. */
static int leave_document(lf_run *run) {
  run->started = 0;
  run->document++;
  return lf_schedule_cancel(run);
}

/* Threads that still work on a document which the caller has left read its ids. */
int32_t *lf_run_ids(lf_run *run) { return leave_document(run) ? run->ids : NULL; }

lf_status lf_begin(lf_run *run, int32_t n) {
  if (!leave_document(run) || atomic_load(&run->stopped)) return LF_ERROR_STATE;
  if (n < 1 || n > run->n_cap) return LF_ERROR_LENGTH;
  for (int32_t t = 0; t < n; t++) {
    if (run->ids[t] < 0 || run->ids[t] >= run->model->config.vocab_size) return LF_ERROR_TOKEN;
  }
  run->n = n;
  run->started = 1;
  lf_schedule_begin(run);
  return LF_OK;
}

/* One of the two means, from the sums of all chunks, in their order: neither tiles nor threads show. */
static lf_status finish_mean(lf_run *run, size_t which) {
  const size_t d = (size_t)run->model->config.d_model;
  const double *sums = run->pooled_chunks + which * (d + 1);
  const size_t chunk_size = 2 * (d + 1);
  lf_status status = LF_OK;
  double weight = 0.0;
  for (size_t chunk = 0; chunk < (size_t)run->n_chunks; chunk++) weight += sums[chunk * chunk_size + d];
  for (size_t i = 0; i < d; i++) {
    double sum = 0.0;
    for (size_t chunk = 0; chunk < (size_t)run->n_chunks; chunk++) sum += sums[chunk * chunk_size + i];
    const double mean = sum / weight;
    run->pooled[which * d + i] = (float)mean;
    if (!lf_is_finite(mean)) status = LF_ERROR_VALUE;
  }
  run->weight[which] = weight;
  return status;
}

static lf_status finish_pooled(lf_run *run) {
  const lf_status outputs = finish_mean(run, 0);
  const lf_status tokens = finish_mean(run, 1);
  return outputs != LF_OK ? outputs : tokens;
}

lf_status lf_step(lf_run *run, int32_t max_tiles) {
  if (!run->started || max_tiles < 1) return LF_ERROR_STATE;
  return lf_schedule_work(run, max_tiles) ? finish_pooled(run) : LF_MORE;
}

void lf_serve(lf_run *run, int32_t thread) {
  if (thread >= 1 && thread < run->n_threads) lf_schedule_serve(&run->workers[thread]);
}

void lf_run_stop(lf_run *run) {
  run->started = 0;
  lf_schedule_stop(run);
}

int32_t lf_run_done(const lf_run *run) { return atomic_load(&run->tiles_done); }
int32_t lf_run_total(const lf_run *run) { return run->n_passes * run->n_tiles; }
const float *lf_run_pooled(const lf_run *run) { return run->pooled; }
double lf_run_weight(const lf_run *run) { return run->weight[0]; }
const float *lf_run_token_mean(const lf_run *run) { return run->pooled + run->model->config.d_model; }
double lf_run_token_weight(const lf_run *run) { return run->weight[1]; }
const float *lf_run_x(const lf_run *run) { return run->x.data; }
int32_t lf_run_stride(const lf_run *run) { return (int32_t)run->x.ld; }
