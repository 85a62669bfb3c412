/* model.c - which tensors a model has, and where each lies in the model's memory */
#include "model.h"

#include <string.h>

/* ---- names ---- */

static void append(char name[LF_NAME_BYTES], const char *text) {
  size_t end = 0;
  while (name[end] != '\0') end++;
  while (*text != '\0' && end + 1 < LF_NAME_BYTES) name[end++] = *text++;
  name[end] = '\0';
}

/* "layers.L." + text, or the text alone when layer is negative. */
static void tensor_name(char name[LF_NAME_BYTES], int32_t layer, const char *text) {
  memset(name, 0, LF_NAME_BYTES);
  if (layer >= 0) {
    const char digits[3] = {(char)('0' + layer / 10), (char)('0' + layer % 10), '\0'};
    append(name, "layers.");
    append(name, layer < 10 ? digits + 1 : digits);
    append(name, ".");
  }
  append(name, text);
}

/* ---- the carve: one function for the size, the pointers and the list of tensors ---- */

typedef struct carver {
  lf_arena arena;
  lf_slot *slots; /* NULL when only counting */
  int32_t n_slots;
  int32_t layer; /* of the names to come, or -1 */
} carver;

/* Takes the memory of one tensor and lists it. */
static lf_slot add_slot(carver *to, const char *name, lf_slot slot) {
  tensor_name(slot.name, to->layer, name);
  const size_t rows = lf_slot_rows(&slot);
  const size_t columns = lf_slot_columns(&slot);
  const uint64_t width = columns; /* sizes are 64 bits wide: a product may pass what a pointer can address */
  switch (slot.kind) {
    case LF_SLOT_VECTOR: slot.data = lf_arena_take(&to->arena, lf_pad(columns), sizeof(float)); break;
    case LF_SLOT_LINEAR: slot.data = lf_arena_take(&to->arena, lf_pad(rows) * width, sizeof(float)); break;
    case LF_SLOT_STORED: slot.data = lf_arena_take(&to->arena, rows * width, lf_dtype_bytes(slot.dtype)); break;
    case LF_SLOT_TILED:
      slot.data = lf_arena_take(&to->arena, rows * (uint64_t)(lf_tiles(columns) * LF_TILE), lf_dtype_bytes(slot.dtype));
      break;
    case LF_SLOT_LINEAR_INT8:
    case LF_SLOT_TILED_INT8: {
      const size_t piece = slot.kind == LF_SLOT_LINEAR_INT8 ? columns : LF_TILE;
      const uint64_t pieces = (columns + piece - 1) / piece;
      const uint64_t panel_rows = lf_slot_panel_rows(&slot);
      slot.quantised = (lf_quantised_panels){
          .data = lf_arena_take(&to->arena, pieces * panel_rows * lf_pad_group(piece), sizeof(int8_t)),
          .scale = lf_arena_take(&to->arena, panel_rows, sizeof(float)),
          .sum = lf_arena_take(&to->arena, pieces * panel_rows, sizeof(float)),
          .panel_stride = lf_pad_group(piece) * LF_LANES,
          .n_in = piece,
          .n_out = rows};
      break;
    }
    case LF_SLOT_CONV: {
      const size_t channels = lf_slot_matrix_rows(&slot);
      slot.data = lf_arena_take(&to->arena, rows / channels * lf_pad(channels) * width, sizeof(float));
      break;
    }
  }
  if (slot.kind != LF_SLOT_VECTOR) slot.scale = lf_arena_take(&to->arena, rows, sizeof(float));
  if (to->slots != NULL) to->slots[to->n_slots] = slot;
  to->n_slots++;
  return slot;
}

static float *add_vector(carver *to, const char *name, int32_t length, float factor) {
  const lf_slot slot = {.kind = LF_SLOT_VECTOR, .shape = {length}, .n_dims = 1, .factor = factor};
  return add_slot(to, name, slot).data;
}

static lf_norm add_norm(carver *to, const char *weight, const char *bias, int32_t d_model) {
  lf_norm norm;
  norm.gain = add_vector(to, weight, d_model, 1.0f);
  norm.bias = add_vector(to, bias, d_model, 1.0f);
  return norm;
}

static lf_linear add_linear(carver *to, const char *weight, const char *bias, int32_t n_out, int32_t n_in, float factor,
                            int32_t precision) {
  const lf_slot_kind kind = precision == LF_PRECISION_INT8 ? LF_SLOT_LINEAR_INT8 : LF_SLOT_LINEAR;
  lf_slot slot = {.kind = kind, .shape = {n_out, n_in}, .n_dims = 2, .factor = factor};
  slot = add_slot(to, weight, slot);
  const lf_panels panels = {.data = slot.data,
                            .panel_stride = (size_t)n_in * LF_LANES,
                            .row_stride = LF_LANES,
                            .n_in = (size_t)n_in,
                            .n_out = (size_t)n_out};
  return (lf_linear){.weight = panels, .quantised = slot.quantised, .bias = add_vector(to, bias, n_out, factor)};
}

static lf_stored add_stored(carver *to, const char *name, lf_slot_kind kind, lf_slot slot) {
  slot.kind = kind;
  slot.factor = 1.0f;
  slot = add_slot(to, name, slot);
  return (lf_stored){.data = slot.data, .scale = slot.scale, .dtype = slot.dtype};
}

/* One of E and F, for all heads that have their own. */
static lf_sequence add_sequence(carver *to, const char *name, const lf_config *config, int32_t k, int32_t segment) {
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
    sequence.conv = add_slot(to, name, slot).data;
  } else if (config->precision == LF_PRECISION_INT8) {
    slot.kind = LF_SLOT_TILED_INT8;
    slot.factor = 1.0f;
    sequence.quantised = add_slot(to, name, slot).quantised;
    sequence.rows = lf_slot_panel_rows(&slot);
  } else {
    sequence.linear = add_stored(to, name, LF_SLOT_TILED, slot);
    sequence.rows = lf_slot_rows(&slot);
  }
  return sequence;
}

static lf_layer carve_layer(carver *to, const lf_config *config, const lf_sequence *shared) {
  const int32_t d = config->d_model;
  const float query_factor = 1.0f / __builtin_sqrtf((float)(d / config->n_heads));
  const int32_t precision = config->precision;
  lf_layer layer = {0};
  layer.attn_norm = add_norm(to, "attn_norm.weight", "attn_norm.bias", d);
  layer.query = add_linear(to, "attn.query.weight", "attn.query.bias", d, d, query_factor, precision);
  /* Keys and values are k rows that every token sees: their rounding would not average out, and they cost little. */
  layer.key = add_linear(to, "attn.key.weight", "attn.key.bias", d, d, 1.0f, LF_PRECISION_FLOAT32);
  layer.value = add_linear(to, "attn.value.weight", "attn.value.bias", d, d, 1.0f, LF_PRECISION_FLOAT32);
  layer.out = add_linear(to, "attn.out.weight", "attn.out.bias", d, d, 1.0f, precision);
  layer.ffn_norm = add_norm(to, "ffn_norm.weight", "ffn_norm.bias", d);
  layer.ffn_in = add_linear(to, "ffn.in.weight", "ffn.in.bias", config->d_ff, d, 1.0f, precision);
  layer.ffn_out = add_linear(to, "ffn.out.weight", "ffn.out.bias", d, config->d_ff, 1.0f, precision);
  if (config->attention == LF_ATTENTION_FULL) return layer;

  const int32_t k = config->k[to->layer];
  const int32_t segment = lf_segment(config, to->layer);
  layer.E = config->sharing == LF_SHARING_LAYERWISE ? *shared : add_sequence(to, "attn.E", config, k, segment);
  const int has_F = config->sharing == LF_SHARING_NONE || config->sharing == LF_SHARING_HEADWISE;
  layer.F = has_F ? add_sequence(to, "attn.F", config, k, segment) : layer.E;
  return layer;
}

/* Most tensors that a model of this shape can have. */
static uint64_t slot_limit(const lf_config *config) { return 6 + 18 * (uint64_t)config->n_layers; }

/* Lays a model out from `base`, or with a base of NULL only counts. Returns the bytes it takes. */
static uint64_t carve(uint8_t *base, const lf_config *config) {
  carver to = {.arena = {.base = base}, .layer = -1};
  lf_model *model = lf_arena_take(&to.arena, 1, sizeof(lf_model));
  to.slots = lf_arena_take(&to.arena, slot_limit(config), sizeof(lf_slot));
  lf_model counted;
  if (model == NULL) model = &counted;
  memset(model, 0, sizeof *model);
  model->config = *config;
  model->slots = to.slots;

  const int32_t d = config->d_model;
  const lf_slot token = {.shape = {config->vocab_size, d}, .n_dims = 2, .dtype = config->token_dtype};
  model->token = add_stored(&to, "embed.token.weight", LF_SLOT_STORED, token);
  if (config->positions == LF_POSITIONS_LEARNED) {
    const lf_slot position = {.shape = {config->n_max, d}, .n_dims = 2, .dtype = config->position_dtype};
    model->position = add_stored(&to, "embed.position.weight", LF_SLOT_STORED, position);
  }
  lf_sequence shared = {0};
  if (config->attention == LF_ATTENTION_LINFORMER && config->sharing == LF_SHARING_LAYERWISE) {
    shared = add_sequence(&to, "attn.E", config, lf_k_max(config), lf_segment(config, 0));
  }
  for (to.layer = 0; to.layer < config->n_layers; to.layer++) {
    model->layers[to.layer] = carve_layer(&to, config, &shared);
  }
  to.layer = -1;
  model->norm = add_norm(&to, "norm.weight", "norm.bias", d);
  model->head = add_linear(&to, "head.weight", "head.bias", config->n_classes, d, 1.0f, LF_PRECISION_FLOAT32);
  model->n_slots = to.n_slots;
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
