/* linformer.c - the run: its memory, its steps, its result */
#include <string.h>

#include "run.h"

/* Lays a run out from `base`, or with a base of NULL only counts. Returns the bytes it takes. */
static uint64_t carve(uint8_t *base, const lf_config *config, int32_t n_cap) {
  lf_arena arena = {.base = base};
  lf_run counted;
  lf_run *run = lf_arena_take(&arena, 1, sizeof(lf_run));
  if (run == NULL) run = &counted;
  memset(run, 0, sizeof *run);

  const int full = config->attention == LF_ATTENTION_FULL;
  const uint64_t cap = (uint64_t)n_cap;
  const uint64_t heads = (uint64_t)config->n_heads;
  const uint64_t d_head = (uint64_t)config->d_model / heads;
  const uint64_t key_cap = full ? cap : (uint64_t)lf_k_max(config);
  run->n_cap = n_cap;
  run->key_cap = (size_t)key_cap;
  run->ld = lf_pad((size_t)config->d_model);
  run->ld_ff = lf_pad((size_t)config->d_ff);
  run->ld_head = lf_pad((size_t)d_head);
  run->ld_classes = lf_pad((size_t)config->n_classes);

  const uint64_t size = sizeof(float);
  run->ids = lf_arena_take(&arena, cap, sizeof(int32_t));
  run->x = lf_arena_take(&arena, cap * run->ld, size);
  run->contributions = lf_arena_take(&arena, cap * (uint64_t)config->n_classes, size);
  run->logits = lf_arena_take(&arena, (uint64_t)config->n_classes, size);
  if (!full) run->p = lf_arena_take(&arena, (uint64_t)lf_all_matrices(config) * key_cap * run->ld, size);
  run->keys = lf_arena_take(&arena, heads * ((key_cap + LF_LANES - 1) / LF_LANES * LF_LANES) * d_head, size);
  run->values = lf_arena_take(&arena, heads * key_cap * run->ld_head, size);

  run->h = lf_arena_take(&arena, LF_TILE * run->ld, size);
  run->q = lf_arena_take(&arena, LF_TILE * run->ld, size);
  run->ctx = lf_arena_take(&arena, LF_TILE * run->ld, size);
  run->head_ctx = lf_arena_take(&arena, LF_TILE * run->ld_head, size);
  run->ff = lf_arena_take(&arena, LF_TILE * run->ld_ff, size);
  run->scores = lf_arena_take(&arena, LF_TILE * LF_KEY_BLOCK, size);
  run->row_max = lf_arena_take(&arena, LF_TILE, size);
  run->row_sum = lf_arena_take(&arena, LF_TILE, size);
  if (!full) run->e_tile = lf_arena_take(&arena, key_cap * LF_TILE, size);
  run->class_tile = lf_arena_take(&arena, LF_TILE * run->ld_classes, size);
  return arena.used;
}

uint64_t lf_workspace_bytes(const lf_config *config, int32_t n_cap) {
  if (lf_config_check(config) != LF_OK || n_cap < 1 || n_cap > config->n_max) return 0;
  return carve(NULL, config, n_cap);
}

lf_status lf_run_init(lf_run *run, uint64_t bytes, const lf_model *model, int32_t n_cap) {
  if (model == NULL || lf_model_ready(model) != LF_OK) return LF_ERROR_MISSING;
  if (n_cap < 1 || n_cap > model->config.n_max) return LF_ERROR_LENGTH;
  const uint64_t needed = lf_workspace_bytes(&model->config, n_cap);
  if (run == NULL || (uintptr_t)run % LF_ALIGN != 0 || bytes < needed) return LF_ERROR_MEMORY;
  carve((uint8_t *)run, &model->config, n_cap);
  run->model = model;
  return LF_OK;
}

int32_t *lf_run_ids(lf_run *run) { return run->ids; }

lf_status lf_begin(lf_run *run, int32_t n) {
  run->started = 0;
  if (n < 1 || n > run->n_cap) return LF_ERROR_LENGTH;
  for (int32_t t = 0; t < n; t++) {
    if (run->ids[t] < 0 || run->ids[t] >= run->model->config.vocab_size) return LF_ERROR_TOKEN;
  }
  run->n = n;
  run->pass = 0;
  run->n_passes = lf_n_passes(&run->model->config);
  run->tile = 0;
  run->n_tiles = (n + LF_TILE - 1) / LF_TILE;
  run->started = 1;
  return LF_OK;
}

/* logit_c = b_c + mean over tokens, summed in token order in double precision: neither tiles nor threads show. */
static lf_status finish(lf_run *run) {
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

lf_status lf_step(lf_run *run, int32_t max_tiles) {
  if (!run->started || max_tiles < 1) return LF_ERROR_STATE;
  for (int32_t i = 0; i < max_tiles && run->pass < run->n_passes; i++) {
    lf_encode_tile(run);
    run->tile++;
    if (run->tile == run->n_tiles) {
      run->tile = 0;
      run->pass++;
    }
  }
  return run->pass < run->n_passes ? LF_MORE : finish(run);
}

int32_t lf_run_done(const lf_run *run) { return run->pass * run->n_tiles + run->tile; }
int32_t lf_run_total(const lf_run *run) { return run->n_passes * run->n_tiles; }
const float *lf_run_logits(const lf_run *run) { return run->logits; }
const float *lf_run_contributions(const lf_run *run) { return run->contributions; }
const float *lf_run_x(const lf_run *run) { return run->x; }
int32_t lf_run_stride(const lf_run *run) { return (int32_t)run->ld; }
