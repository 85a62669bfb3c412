/* head.c - a head's memory: its tensors, and room for what it reads */
#include "head.h"

#include <string.h>

enum { SLOT_LIMIT = 6 };

/* Lays a head out from `base`, or with a base of NULL only counts. Returns the bytes it takes. */
static uint64_t carve(uint8_t *base, const lf_head_config *config) {
  lf_carver to = {.arena = {.base = base}, .layer = -1};
  lf_head *head = lf_arena_take(&to.arena, 1, sizeof(lf_head));
  to.slots.list = lf_arena_take(&to.arena, SLOT_LIMIT, sizeof(lf_slot));
  lf_head counted;
  if (head == NULL) head = &counted;
  memset(head, 0, sizeof *head);
  head->config = *config;

  const uint64_t size = sizeof(float);
  const uint64_t n_classes = (uint64_t)config->n_classes;
  const uint64_t padded = lf_pad((size_t)n_classes);
  const uint64_t words = (uint64_t)config->words;
  const lf_linear_shape dense = {.n_out = config->n_classes, .n_in = config->d_model, .factor = 1.0f};
  head->dense = lf_carve_linear(&to, "head.weight", "head.bias", dense);
  if (config->pooling == LF_POOLING_DIRECTIONS) {
    head->tokens = lf_carve_panels(&to, "head.token_weight", dense);
    head->token_sums = lf_arena_take(&to.arena, n_classes, sizeof(double));
    head->totals = lf_arena_take(&to.arena, 2 * (uint64_t)config->d_model, sizeof(double));
    head->token_weight = lf_arena_take(&to.arena, lf_pad(LF_TILE), size);
  }
  if (words > 0) {
    const lf_slot ids = {
        .kind = LF_SLOT_IDS, .shape = {config->words}, .n_dims = 1, .dtype = LF_I32, .limit = config->vocab_size};
    const lf_slot weights = {.shape = {config->words, config->n_classes}, .n_dims = 2, .dtype = config->word_dtype};
    head->ids = lf_carve_slot(&to, "words.ids", ids).data;
    head->idf = lf_carve_vector(&to, "words.idf", config->words, 1.0f);
    head->weights = lf_carve_stored(&to, "words.weight", LF_SLOT_STORED, weights);
    head->counts = lf_arena_take(&to.arena, words, sizeof(int32_t));
    head->word_logits = lf_arena_take(&to.arena, n_classes, sizeof(double));
    head->word_row = lf_arena_take(&to.arena, n_classes, size);
    if (config->pooling == LF_POOLING_WINDOW_MAX) {
      const uint64_t window = (uint64_t)config->window;
      head->window_words = lf_arena_take(&to.arena, window, sizeof(int32_t));
      head->window_counts = lf_arena_take(&to.arena, window, sizeof(int32_t));
      head->best_counts = lf_arena_take(&to.arena, n_classes * window, sizeof(int32_t));
      head->best_length = lf_arena_take(&to.arena, n_classes, sizeof(double));
    }
  }
  head->sums = lf_arena_take(&to.arena, n_classes, sizeof(double));
  if (config->pooling == LF_POOLING_WINDOW_MAX) {
    head->halves = lf_arena_take(&to.arena, n_classes, sizeof(lf_halves));
  }
  head->logits = lf_arena_take(&to.arena, n_classes, size);
  head->evidence = lf_arena_take(&to.arena, n_classes, sizeof *head->evidence);
  head->h.ld = lf_pad((size_t)config->d_model);
  head->h.data = lf_arena_take(&to.arena, LF_TILE * (uint64_t)head->h.ld, size);
  head->tile.ld = (size_t)padded;
  head->tile.data = lf_arena_take(&to.arena, LF_TILE * padded, size);
  head->shares.ld = (size_t)padded;
  if (config->pooling == LF_POOLING_DIRECTIONS) head->shares.data = lf_arena_take(&to.arena, LF_TILE * padded, size);
  head->slots = to.slots;
  return to.arena.used;
}

uint64_t lf_head_bytes(const lf_head_config *config) {
  return lf_head_config_check(config) == LF_OK ? carve(NULL, config) : 0;
}

lf_status lf_head_init(lf_head *head, uint64_t bytes, const lf_head_config *config) {
  if (lf_head_config_check(config) != LF_OK) return LF_ERROR_CONFIG;
  if (head == NULL || (uintptr_t)head % LF_ALIGN != 0 || bytes < lf_head_bytes(config)) return LF_ERROR_MEMORY;
  const lf_head_config copy = *config; /* the caller's may lie in this very block */
  carve((uint8_t *)head, &copy);
  return LF_OK;
}

lf_status lf_head_set_tensor(lf_head *head, const char *name, int32_t dtype, const int32_t *shape, int32_t n_dims,
                             const void *data, uint64_t data_bytes) {
  if (head == NULL) return LF_ERROR_STATE;
  return lf_slots_set(&head->slots, name, dtype, shape, n_dims, data, data_bytes);
}

const char *lf_head_missing(lf_head *head) {
  const lf_slot *slot = lf_slots_missing(&head->slots);
  return slot != NULL ? slot->name : "";
}

lf_status lf_head_ready(const lf_head *head) {
  return lf_slots_missing(&head->slots) == NULL ? LF_OK : LF_ERROR_MISSING;
}
