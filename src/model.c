/* model.c - which tensors a model has, and how each gets from the file's layout into the kernels' */
#include "model.h"

#include <string.h>

/* ---- the config ---- */

static int within(int32_t value, int32_t low, int32_t high) { return value >= low && value <= high; }

lf_status lf_config_check(const lf_config *config) {
  if (config == NULL) return LF_ERROR_CONFIG;
  const int sizes = within(config->vocab_size, 1, 1 << 20) && within(config->n_max, 1, 1 << 20) &&
                    within(config->d_model, 1, 4096) && within(config->n_layers, 1, LF_MAX_LAYERS) &&
                    within(config->n_heads, 1, 64) && within(config->d_ff, 1, 16384) &&
                    within(config->n_classes, 1, 4096);
  const int kinds = within(config->attention, 0, LF_ATTENTION_FULL) &&
                    within(config->sharing, 0, LF_SHARING_LAYERWISE) &&
                    within(config->projection, 0, LF_PROJECTION_CONV) &&
                    within(config->positions, 0, LF_POSITIONS_SINUSOIDAL) && within(config->token_dtype, 0, LF_I8) &&
                    within(config->position_dtype, 0, LF_I8) && within(config->projection_dtype, 0, LF_I8);
  if (!sizes || !kinds || config->d_model % config->n_heads != 0) return LF_ERROR_CONFIG;
  if (config->attention == LF_ATTENTION_FULL) return LF_OK;

  for (int32_t layer = 0; layer < config->n_layers; layer++) {
    const int32_t k = config->k[layer];
    if (!within(k, 1, config->n_max)) return LF_ERROR_CONFIG;
    if (config->projection != LF_PROJECTION_LINEAR && config->n_max % k != 0) return LF_ERROR_CONFIG;
    const int one_conv = config->projection == LF_PROJECTION_CONV && config->sharing == LF_SHARING_LAYERWISE;
    if (one_conv && k != config->k[0]) return LF_ERROR_CONFIG;
  }
  return LF_OK;
}

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

/* The first `length` characters of `text` are all of `name`. */
static int same_name(const char *text, size_t length, const char *name) {
  size_t i = 0;
  while (i < length && text[i] == name[i] && name[i] != '\0') i++;
  return i == length && name[i] == '\0';
}

/* ---- the carve: one function for the size, the pointers and the list of tensors ---- */

typedef struct carver {
  lf_arena arena;
  lf_slot *slots; /* NULL when only counting */
  int32_t n_slots;
  int32_t layer; /* of the names to come, or -1 */
} carver;

static size_t rows_of(const lf_slot *slot) {
  size_t rows = 1;
  for (int32_t i = 0; i + 1 < slot->n_dims; i++) rows *= (size_t)slot->shape[i];
  return rows;
}

static size_t columns_of(const lf_slot *slot) { return (size_t)slot->shape[slot->n_dims - 1]; }

static size_t dtype_bytes(int32_t dtype) {
  static const uint8_t bytes[] = {[LF_F32] = 4, [LF_F16] = 2, [LF_I8] = 1};
  return bytes[dtype];
}

/* Takes the memory of one tensor and lists it. */
static lf_slot add_slot(carver *to, const char *name, lf_slot slot) {
  tensor_name(slot.name, to->layer, name);
  const size_t rows = rows_of(&slot);
  const size_t columns = columns_of(&slot);
  const uint64_t width = columns; /* sizes are 64 bits wide: a product may pass what a pointer can address */
  switch (slot.kind) {
    case LF_SLOT_VECTOR: slot.data = lf_arena_take(&to->arena, lf_pad(columns), sizeof(float)); break;
    case LF_SLOT_LINEAR: slot.data = lf_arena_take(&to->arena, lf_pad(rows) * width, sizeof(float)); break;
    case LF_SLOT_STORED: slot.data = lf_arena_take(&to->arena, rows * width, dtype_bytes(slot.dtype)); break;
    case LF_SLOT_CONV: {
      const size_t channels = (size_t)slot.shape[slot.n_dims - 2];
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

static lf_linear add_linear(carver *to, const char *weight, const char *bias, int32_t n_out, int32_t n_in,
                            float factor) {
  const lf_slot slot = {.kind = LF_SLOT_LINEAR, .shape = {n_out, n_in}, .n_dims = 2, .factor = factor};
  lf_linear linear;
  linear.weight = add_slot(to, weight, slot).data;
  linear.bias = add_vector(to, bias, n_out, factor);
  return linear;
}

static lf_stored add_stored(carver *to, const char *name, lf_slot slot) {
  slot.kind = LF_SLOT_STORED;
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
  } else {
    sequence.linear = add_stored(to, name, slot);
  }
  return sequence;
}

static lf_layer carve_layer(carver *to, const lf_config *config, const lf_sequence *shared) {
  const int32_t d = config->d_model;
  const float query_factor = 1.0f / __builtin_sqrtf((float)(d / config->n_heads));
  lf_layer layer = {0};
  layer.attn_norm = add_norm(to, "attn_norm.weight", "attn_norm.bias", d);
  layer.query = add_linear(to, "attn.query.weight", "attn.query.bias", d, d, query_factor);
  layer.key = add_linear(to, "attn.key.weight", "attn.key.bias", d, d, 1.0f);
  layer.value = add_linear(to, "attn.value.weight", "attn.value.bias", d, d, 1.0f);
  layer.out = add_linear(to, "attn.out.weight", "attn.out.bias", d, d, 1.0f);
  layer.ffn_norm = add_norm(to, "ffn_norm.weight", "ffn_norm.bias", d);
  layer.ffn_in = add_linear(to, "ffn.in.weight", "ffn.in.bias", config->d_ff, d, 1.0f);
  layer.ffn_out = add_linear(to, "ffn.out.weight", "ffn.out.bias", d, config->d_ff, 1.0f);
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
  model->token = add_stored(&to, "embed.token.weight", token);
  if (config->positions == LF_POSITIONS_LEARNED) {
    const lf_slot position = {.shape = {config->n_max, d}, .n_dims = 2, .dtype = config->position_dtype};
    model->position = add_stored(&to, "embed.position.weight", position);
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
  model->head = add_linear(&to, "head.weight", "head.bias", config->n_classes, d, 1.0f);
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

/* ---- setting tensors ---- */

/* All n values finite. An exponent of all ones is an infinity or a NaN. */
static int finite(const void *data, int32_t dtype, uint64_t n) {
  const uint8_t *bytes = data;
  for (uint64_t i = 0; i < n; i++) {
    if (dtype == LF_F32) {
      uint32_t bits;
      memcpy(&bits, bytes + i * sizeof bits, sizeof bits);
      if ((bits & 0x7f800000u) == 0x7f800000u) return 0;
    } else if (dtype == LF_F16) {
      uint16_t bits;
      memcpy(&bits, bytes + i * sizeof bits, sizeof bits);
      if ((bits & 0x7c00u) == 0x7c00u) return 0;
    }
  }
  return 1;
}

/* Value i of row `row` of the file's matrix [rows, columns]. */
static float value_at(const void *data, int32_t dtype, const float *scale, size_t columns, size_t row, size_t i) {
  const uint8_t *bytes = (const uint8_t *)data + (row * columns + i) * dtype_bytes(dtype);
  float value = 0.0f;
  switch (dtype) {
    case LF_F16: {
      uint16_t half;
      memcpy(&half, bytes, sizeof half);
      lf_widen_f16(&value, &half, 1);
      break;
    }
    case LF_I8: lf_widen_i8(&value, (const int8_t *)bytes, scale[row], 1); break;
    default: memcpy(&value, bytes, sizeof value); break;
  }
  return value;
}

static void pack(const lf_slot *slot, int32_t dtype, const void *data) {
  const size_t rows = rows_of(slot);
  const size_t columns = columns_of(slot);
  float *out = slot->data;
  switch (slot->kind) {
    case LF_SLOT_STORED: memcpy(out, data, rows * columns * dtype_bytes(dtype)); break;
    case LF_SLOT_VECTOR:
      memset(out, 0, lf_pad(columns) * sizeof *out);
      for (size_t i = 0; i < columns; i++) out[i] = value_at(data, dtype, NULL, columns, 0, i) * slot->factor;
      break;
    case LF_SLOT_LINEAR: /* the file has [n_out, n_in]; panels have LF_LANES outputs of one input side by side */
      memset(out, 0, lf_pad(rows) * columns * sizeof *out);
      for (size_t row = 0; row < rows; row++) {
        float *lane = out + row / LF_LANES * columns * LF_LANES + row % LF_LANES;
        for (size_t i = 0; i < columns; i++) {
          lane[i * LF_LANES] = value_at(data, dtype, slot->scale, columns, row, i) * slot->factor;
        }
      }
      break;
    case LF_SLOT_CONV: { /* the file has [matrices, channels, segment]; here it is [matrices, segment, channels] */
      const size_t channels = (size_t)slot->shape[slot->n_dims - 2];
      memset(out, 0, rows / channels * lf_pad(channels) * columns * sizeof *out);
      for (size_t row = 0; row < rows; row++) {
        float *channel = out + row / channels * columns * lf_pad(channels) + row % channels;
        for (size_t i = 0; i < columns; i++) {
          channel[i * lf_pad(channels)] = value_at(data, dtype, slot->scale, columns, row, i);
        }
      }
      break;
    }
  }
}

static lf_slot *find_slot(const lf_model *model, const char *name, size_t length) {
  for (int32_t i = 0; i < model->n_slots; i++) {
    if (same_name(name, length, model->slots[i].name)) return &model->slots[i];
  }
  return NULL;
}

lf_status lf_set_tensor(lf_model *model, const char *name, int32_t dtype, const int32_t *shape, int32_t n_dims,
                        const void *data, uint64_t data_bytes) {
  static const char suffix[] = ".scale";
  const size_t suffix_length = sizeof suffix - 1;
  if (model == NULL || name == NULL || shape == NULL || data == NULL) return LF_ERROR_STATE;
  size_t length = 0;
  while (length < LF_NAME_BYTES + sizeof suffix && name[length] != '\0') length++;

  lf_slot *slot = find_slot(model, name, length);
  int is_scale = 0;
  if (slot == NULL && length > suffix_length && same_name(name + length - suffix_length, suffix_length, suffix)) {
    slot = find_slot(model, name, length - suffix_length);
    is_scale = slot != NULL && slot->kind != LF_SLOT_VECTOR;
    if (!is_scale) slot = NULL;
  }
  if (slot == NULL) return LF_ERROR_NAME;

  const int allowed = dtype == LF_F32 || (!is_scale && dtype == LF_F16) ||
                      (!is_scale && dtype == LF_I8 && slot->kind != LF_SLOT_VECTOR);
  if (!allowed) return LF_ERROR_DTYPE;
  if (!is_scale && slot->kind == LF_SLOT_STORED && dtype != slot->dtype) return LF_ERROR_DTYPE;
  if (n_dims != slot->n_dims - is_scale) return LF_ERROR_SHAPE;
  for (int32_t i = 0; i < n_dims; i++) {
    if (shape[i] != slot->shape[i]) return LF_ERROR_SHAPE;
  }
  const uint64_t n = is_scale ? rows_of(slot) : (uint64_t)rows_of(slot) * columns_of(slot);
  if (data_bytes != n * dtype_bytes(dtype)) return LF_ERROR_SIZE;
  if (!finite(data, dtype, n)) return LF_ERROR_VALUE;

  if (is_scale) {
    memcpy(slot->scale, data, rows_of(slot) * sizeof *slot->scale);
    slot->has_scale = 1;
    return LF_OK;
  }
  if (dtype == LF_I8 && !slot->has_scale) return LF_ERROR_SCALE;
  pack(slot, dtype, data);
  slot->has_data = 1;
  return LF_OK;
}

const char *lf_model_missing(lf_model *model) {
  for (int32_t i = 0; i < model->n_slots; i++) {
    if (!model->slots[i].has_data) return model->slots[i].name;
  }
  return "";
}

lf_status lf_model_ready(const lf_model *model) {
  for (int32_t i = 0; i < model->n_slots; i++) {
    if (!model->slots[i].has_data) return LF_ERROR_MISSING;
  }
  return LF_OK;
}

void lf_stored_row(float *out, const lf_stored *matrix, size_t columns, size_t row, size_t first, size_t n) {
  const size_t at = row * columns + first;
  switch (matrix->dtype) {
    case LF_F16: lf_widen_f16(out, (const uint16_t *)matrix->data + at, n); break;
    case LF_I8: lf_widen_i8(out, (const int8_t *)matrix->data + at, matrix->scale[row], n); break;
    default: memcpy(out, (const float *)matrix->data + at, n * sizeof *out); break;
  }
}
