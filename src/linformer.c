/* linformer.c - the run: its memory, its beginning, its result */
#include <string.h>

#include "run.h"

static void carve_worker(lf_arena *arena, lf_worker *worker, lf_run *run, const lf_config *config) {
  const uint64_t size = sizeof(float);
  const int codes = config->precision == LF_PRECISION_INT8;
  memset(worker, 0, sizeof *worker);
  worker->run = run;
  worker->slab = -1;
  worker->h = lf_arena_take(arena, LF_TILE * run->ld, size);
  worker->q = lf_arena_take(arena, LF_TILE * run->ld, size);
  worker->ctx = lf_arena_take(arena, LF_TILE * run->ld, size);
  worker->head_ctx = lf_arena_take(arena, LF_TILE * run->ld_head, size);
  worker->ff = lf_arena_take(arena, LF_TILE * run->ld_ff, size);
  worker->scores = lf_arena_take(arena, LF_TILE * LF_KEY_BLOCK, size);
  worker->row_max = lf_arena_take(arena, LF_TILE, size);
  worker->row_sum = lf_arena_take(arena, LF_TILE, size);
  if (config->attention == LF_ATTENTION_LINFORMER) {
    if (lf_projects_codes(config)) {
      worker->e_sum = lf_arena_take(arena, run->ld_p, size);
    } else {
      worker->e_tile = lf_arena_take(arena, run->key_cap * LF_TILE, size);
    }
  }
  worker->class_tile = lf_arena_take(arena, LF_TILE * run->ld_classes, size);
  if (codes) worker->probs = lf_arena_take(arena, (uint64_t)LF_TILE * LF_KEY_BLOCK, sizeof(uint8_t));
  if (codes) worker->probs_step = lf_arena_take(arena, LF_TILE, size);
  if (codes) worker->codes = lf_arena_take(arena, LF_TILE * run->ld_codes, sizeof(uint8_t));
  const uint64_t code_rows = run->ld > LF_TILE ? run->ld : LF_TILE;
  if (codes) worker->step = lf_arena_take(arena, code_rows, size);
  if (codes) worker->low = lf_arena_take(arena, code_rows, size);
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
  const uint64_t heads = (uint64_t)config->n_heads;
  const uint64_t d_head = (uint64_t)config->d_model / heads;
  const uint64_t key_cap = full ? cap : (uint64_t)lf_k_max(config);
  run->n_cap = n_cap;
  run->n_threads = n_threads;
  run->key_cap = (size_t)key_cap;
  run->ld = lf_pad((size_t)config->d_model);
  run->ld_ff = lf_pad((size_t)config->d_ff);
  run->ld_head = lf_pad((size_t)d_head);
  run->ld_classes = lf_pad((size_t)config->n_classes);
  run->ld_codes = run->ld > run->ld_ff ? run->ld : run->ld_ff;

  const uint64_t size = sizeof(float);
  const uint64_t keys = (key_cap + LF_LANES - 1) / LF_LANES * LF_LANES;
  run->ids = lf_arena_take(&arena, cap, sizeof(int32_t));
  run->x = lf_arena_take(&arena, cap * run->ld, size);
  run->contributions = lf_arena_take(&arena, cap * (uint64_t)config->n_classes, size);
  run->logits = lf_arena_take(&arena, (uint64_t)config->n_classes, size);
  if (!full) {
    const int codes = lf_projects_codes(config);
    run->ld_p = codes ? lf_pad((size_t)key_cap) : run->ld;
    const uint64_t p_rows = codes ? (uint64_t)config->d_model : key_cap;
    const uint64_t p_size = (uint64_t)lf_all_matrices(config) * p_rows * run->ld_p;
    run->p_size = (size_t)p_size;
    run->p = lf_arena_take(&arena, p_size, size);
    run->p_slabs = lf_arena_take(&arena, p_size * (n_threads > 1 ? LF_SLABS : 1), size);
  }
  if (config->precision == LF_PRECISION_INT8) {
    run->key_codes.panel_stride = lf_pad_group((size_t)d_head) * LF_LANES;
    run->key_head = (size_t)(keys * lf_pad_group((size_t)d_head));
    run->key_codes.data = lf_arena_take(&arena, heads * keys * lf_pad_group((size_t)d_head), sizeof(int8_t));
    run->key_codes.scale = lf_arena_take(&arena, heads * keys, size);
    run->key_codes.sum = lf_arena_take(&arena, heads * keys, size);
  } else {
    run->key_head = (size_t)(keys * d_head);
    run->keys = lf_arena_take(&arena, heads * keys * d_head, size);
  }
  run->values = lf_arena_take(&arena, heads * key_cap * run->ld_head, size);
  if (config->precision == LF_PRECISION_INT8 && !full) {
    const uint64_t block = key_cap < LF_KEY_BLOCK ? lf_pad_group((size_t)key_cap) : LF_KEY_BLOCK;
    const uint64_t blocks = heads * ((key_cap + LF_KEY_BLOCK - 1) / LF_KEY_BLOCK);
    run->value_codes.panel_stride = (size_t)block * LF_LANES;
    run->value_codes.data = lf_arena_take(&arena, blocks * run->ld_head * block, sizeof(int8_t));
    run->value_codes.scale = lf_arena_take(&arena, blocks * run->ld_head, size);
    run->value_codes.sum = lf_arena_take(&arena, blocks * run->ld_head, size);
  }

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

/* Threads that still work on a document which the caller has left read its ids. */
int32_t *lf_run_ids(lf_run *run) { return lf_cancel(run) ? run->ids : NULL; }

lf_status lf_begin(lf_run *run, int32_t n) {
  if (!lf_cancel(run) || atomic_load(&run->stopped)) return LF_ERROR_STATE;
  if (n < 1 || n > run->n_cap) return LF_ERROR_LENGTH;
  for (int32_t t = 0; t < n; t++) {
    if (run->ids[t] < 0 || run->ids[t] >= run->model->config.vocab_size) return LF_ERROR_TOKEN;
  }
  run->n = n;
  run->started = 1;
  lf_schedule(run);
  return LF_OK;
}

/* logit_c = b_c + mean over tokens, summed in token order in double precision: neither tiles nor threads show. */
lf_status lf_finish(lf_run *run) {
  const size_t n_classes = (size_t)run->model->config.n_classes;
  for (size_t c = 0; c < n_classes; c++) {
    double sum = 0.0;
    for (size_t t = 0; t < (size_t)run->n; t++) sum += (double)run->contributions[t * n_classes + c];
    const double logit = (double)run->model->head.bias[c] + sum / (double)run->n;
    run->logits[c] = (float)logit;
    if (!(logit > -3.0e38 && logit < 3.0e38)) return LF_ERROR_VALUE;
  }
  return LF_OK;
}

const float *lf_run_logits(const lf_run *run) { return run->logits; }
const float *lf_run_contributions(const lf_run *run) { return run->contributions; }
const float *lf_run_x(const lf_run *run) { return run->x; }
int32_t lf_run_stride(const lf_run *run) { return (int32_t)run->ld; }
