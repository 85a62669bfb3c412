/* model.c - which tensors a trunk has, and where each lies in the model's memory */
#include "model.h"

#include <string.h>

/* One of E and F, for all heads that have their own. */
static lf_sequence add_sequence(lf_carver *to, const char *name, const lf_config *config, int32_t k, int32_t segment) {
  lf_sequence sequence = {0};
  const int conv = config->projection == LF_PROJECTION_CONV;
  if (!conv && config->projection != LF_PROJECTION_LINEAR) return sequence;
  lf_slot slot = {.dtype = config->projection_dtype};
  if (config->sharing == LF_SHARING_NONE) slot.shape[slot.n_dims++] = config->n_heads;
  slot.shape[slot.n_dims++] = conv ? config->d_model : k;
  slot.shape[slot.n_dims++] = conv ? segment : config->n_max;
  if (conv) {
    slot.kind = LF_SLOT_CONV;
    slot.factor = 1.0f;
    sequence.conv = lf_carve_slot(to, name, slot).data;
  } else if (config->precision == LF_PRECISION_INT8) {
    slot.kind = LF_SLOT_TILED_INT8;
    slot.factor = 1.0f;
    sequence.quantised = lf_carve_slot(to, name, slot).quantised;
    sequence.rows = lf_slot_panel_rows(&slot);
  } else {
    sequence.linear = lf_carve_stored(to, name, LF_SLOT_TILED, slot);
    sequence.rows = lf_slot_rows(&slot);
  }
  return sequence;
}

static lf_layer carve_layer(lf_carver *to, const lf_config *config, const lf_sequence *shared) {
  const int32_t d = config->d_model;
  const int32_t d_ff = config->d_ff;
  const int32_t precision = config->precision;
  const lf_linear_shape square = {.n_out = d, .n_in = d, .factor = 1.0f, .precision = precision};
  lf_linear_shape query = square;
  query.factor = 1.0f / __builtin_sqrtf((float)(d / config->n_heads));
  const lf_linear_shape widen = {.n_out = d_ff, .n_in = d, .factor = 1.0f, .precision = precision};
  const lf_linear_shape narrow = {.n_out = d, .n_in = d_ff, .factor = 1.0f, .precision = precision};
  lf_layer layer = {0};
  layer.attn_norm = lf_carve_norm(to, "attn_norm.weight", "attn_norm.bias", d);
  layer.query = lf_carve_linear(to, "attn.query.weight", "attn.query.bias", query);
  layer.key = lf_carve_linear(to, "attn.key.weight", "attn.key.bias", square);
  layer.value = lf_carve_linear(to, "attn.value.weight", "attn.value.bias", square);
  layer.out = lf_carve_linear(to, "attn.out.weight", "attn.out.bias", square);
  layer.ffn_norm = lf_carve_norm(to, "ffn_norm.weight", "ffn_norm.bias", d);
  layer.ffn_in = lf_carve_linear(to, "ffn.in.weight", "ffn.in.bias", widen);
  layer.ffn_out = lf_carve_linear(to, "ffn.out.weight", "ffn.out.bias", narrow);
  if (config->attention == LF_ATTENTION_FULL) return layer;

  const int32_t k = config->k[to->layer];
  const int32_t segment = lf_segment(config, to->layer);
  layer.E = config->sharing == LF_SHARING_LAYERWISE ? *shared : add_sequence(to, "attn.E", config, k, segment);
  const int has_F = config->sharing == LF_SHARING_NONE || config->sharing == LF_SHARING_HEADWISE;
  layer.F = has_F ? add_sequence(to, "attn.F", config, k, segment) : layer.E;
  return layer;
}

/* Most tensors that a trunk of this shape can have. */
static uint64_t slot_limit(const lf_config *config) { return 11 + 18 * (uint64_t)config->n_layers; }

/* Lays a model out from `base`, or with a base of NULL only counts. Returns the bytes it takes. */
static uint64_t carve(uint8_t *base, const lf_config *config) {
  lf_carver to = {.arena = {.base = base}, .layer = -1};
  lf_model *model = lf_arena_take(&to.arena, 1, sizeof(lf_model));
  to.slots.list = lf_arena_take(&to.arena, slot_limit(config), sizeof(lf_slot));
  lf_model counted;
  if (model == NULL) model = &counted;
  memset(model, 0, sizeof *model);
  model->config = *config;

  const int32_t d = config->d_model;
  const lf_slot token = {.shape = {config->vocab_size, d}, .n_dims = 2, .dtype = config->token_dtype};
  model->token = lf_carve_stored(&to, "embed.token.weight", LF_SLOT_STORED, token);
  if (config->positions == LF_POSITIONS_LEARNED) {
    const lf_slot position = {.shape = {config->n_max, d}, .n_dims = 2, .dtype = config->position_dtype};
    model->position = lf_carve_stored(&to, "embed.position.weight", LF_SLOT_STORED, position);
  }
  if (config->stem > 0) {
    const lf_linear_shape in = {.n_out = config->stem, .n_in = 3 * d, .factor = 1.0f, .precision = config->precision};
    const lf_linear_shape out = {.n_out = d, .n_in = config->stem, .factor = 1.0f, .precision = config->precision};
    model->stem_in = lf_carve_linear(&to, "stem.in.weight", "stem.in.bias", in);
    model->stem_out = lf_carve_linear(&to, "stem.out.weight", "stem.out.bias", out);
  }
  lf_sequence shared = {0};
  if (config->attention == LF_ATTENTION_LINFORMER && config->sharing == LF_SHARING_LAYERWISE) {
    shared = add_sequence(&to, "attn.E", config, lf_k_max(config), lf_segment(config, 0));
  }
  for (to.layer = 0; to.layer < config->n_layers; to.layer++) {
    model->layers[to.layer] = carve_layer(&to, config, &shared);
  }
  to.layer = -1;
  model->norm = lf_carve_norm(&to, "norm.weight", "norm.bias", d);
  if (config->importance) {
    const lf_slot weight = {.kind = LF_SLOT_LINEAR, .shape = {d}, .n_dims = 1, .factor = 1.0f};
    model->pool_token = lf_carve_vector(&to, "pool.token", config->vocab_size, 1.0f);
    model->pool_weight = (lf_panels){.data = lf_carve_slot(&to, "pool.weight", weight).data,
                                     .panel_stride = (size_t)d * LF_LANES,
                                     .row_stride = LF_LANES,
                                     .n_in = (size_t)d,
                                     .n_out = 1};
  }
  model->slots = to.slots;
  return to.arena.used;
}

uint64_t lf_model_bytes(const lf_config *config) { return lf_config_check(config) == LF_OK ? carve(NULL, config) : 0; }

lf_status lf_model_init(lf_model *model, uint64_t bytes, const lf_config *config) {
  if (lf_config_check(config) != LF_OK) return LF_ERROR_CONFIG;
  if (model == NULL || (uintptr_t)model % LF_ALIGN != 0 || bytes < lf_model_bytes(config)) return LF_ERROR_MEMORY;
  const lf_config copy = *config; /* the caller's may lie in this very block */
  carve((uint8_t *)model, &copy);
  return LF_OK;
}

lf_status lf_set_tensor(lf_model *model, const char *name, int32_t dtype, const int32_t *shape, int32_t n_dims,
                        const void *data, uint64_t data_bytes) {
  if (model == NULL) return LF_ERROR_STATE;
  return lf_slots_set(&model->slots, name, dtype, shape, n_dims, data, data_bytes);
}

const char *lf_model_missing(lf_model *model) {
  const lf_slot *slot = lf_slots_missing(&model->slots);
  return slot != NULL ? slot->name : "";
}

lf_status lf_model_ready(const lf_model *model) {
  return lf_slots_missing(&model->slots) == NULL ? LF_OK : LF_ERROR_MISSING;
}
