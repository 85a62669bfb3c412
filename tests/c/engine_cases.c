/* engine_cases.c - whole models of every kind, random weights, odd sizes, over one document */
#include <string.h>

#include "cases.h"
#include "head.h"
#include "linformer.h"
#include "model.h"
#include "random.h"

enum { BLOCK_BYTES = 1 << 22 };
static _Alignas(64) uint8_t model_block[BLOCK_BYTES];
static _Alignas(64) uint8_t run_block[BLOCK_BYTES];
static _Alignas(64) uint8_t head_block[1 << 16];
static uint8_t tensor_data[1 << 19];
static char name_buffer[64];

enum {
  SHARINGS = 4,
  PROJECTIONS = 4,
  SHAPES = ENGINE_CASE_SHAPES,
  LINFORMERS = SHARINGS * PROJECTIONS * SHAPES,
  MODELS = LINFORMERS + SHAPES,
  PARTS = 4 /* of what is new beside them: see engine_case_config */
};

static const int32_t classes[SHAPES] = {2, 1, 9, 3, 17, 2};

/* Shapes that leave remainders everywhere: lanes of 8, vectors of 4, blocks of 4 or 6 rows, tiles, blocks of keys. */
static const lf_config shapes[SHAPES] = {
    {.vocab_size = 7, .n_max = 60, .d_model = 6, .n_layers = 2, .n_heads = 3, .d_ff = 5, .k = {5, 3}},
    {.vocab_size = 1, .n_max = 1, .d_model = 1, .n_layers = 1, .n_heads = 1, .d_ff = 1, .k = {1}},
    {.vocab_size = 31, .n_max = 154, .d_model = 33, .n_layers = 1, .n_heads = 3, .d_ff = 70, .k = {77}},
    {.vocab_size = 9,
     .n_max = 280,
     .d_model = 16,
     .n_layers = 3,
     .n_heads = 2,
     .d_ff = 24,

     .k = {140, 140, 140}},
    {.vocab_size = 12,
     .n_max = 96,
     .d_model = 24,
     .n_layers = 2,
     .n_heads = 1,
     .d_ff = 8,

     .k = {48, 48}},
    {.vocab_size = 11, /* several chunks of tiles */
     .n_max = 1230,
     .d_model = 8,
     .n_layers = 2,
     .n_heads = 2,
     .d_ff = 12,

     .k = {10, 5}},
};

/* All models in float32, then all in int8; then those with further parts, in the same order. */
int32_t engine_case_count(void) { return 2 * MODELS + 2 * PARTS * SHAPES; }

/* Which of the further parts a case has: 1 a stem; 2 importance and weighted pooling, both with directions in
 * every other case; 3 windows; 4 all, in full attention, with
 * words; or 0. */
static int32_t part_of(int32_t index) { return index < 2 * MODELS ? 0 : 1 + (index - 2 * MODELS) / SHAPES % PARTS; }

/* A model without further parts. */
static lf_config model_config(int32_t index) {
  const int32_t precision = index / MODELS;
  index %= MODELS;
  const int full = index >= LINFORMERS;
  lf_config config = shapes[index % SHAPES];
  config.attention = full ? LF_ATTENTION_FULL : LF_ATTENTION_LINFORMER;
  config.sharing = index / SHAPES % SHARINGS;
  config.projection = index / SHAPES / SHARINGS % PROJECTIONS;
  config.positions = index % 2;
  config.precision = precision;
  config.token_dtype = index % 3;
  config.position_dtype = (index + 1) % 3;
  config.projection_dtype = (index + 2) % 3;
  const int one_conv = config.projection == LF_PROJECTION_CONV && config.sharing == LF_SHARING_LAYERWISE;
  if (one_conv) {
    for (int32_t layer = 1; layer < config.n_layers; layer++) config.k[layer] = config.k[0];
  }
  return config;
}

lf_config engine_case_config(int32_t index) {
  const int32_t part = part_of(index);
  if (part == 0) return model_config(index);
  const int32_t precision = (index - 2 * MODELS) / (PARTS * SHAPES);
  const int32_t kind = part == PARTS ? LINFORMERS : 5 * (part - 1) * SHAPES;
  lf_config config = model_config(precision * MODELS + kind + index % SHAPES);
  if (part == 1 || part == PARTS) config.stem = 1 + 7 * (index % SHAPES);
  if (part == 2 || part == PARTS) config.importance = 1;
  if (part == 2 || part == PARTS) config.positions = LF_POSITIONS_NONE;
  return config;
}

lf_head_config engine_case_head(int32_t index) {
  const lf_config config = engine_case_config(index);
  const int32_t part = part_of(index);
  lf_head_config head = {
      .d_model = config.d_model, .vocab_size = config.vocab_size, .n_classes = classes[index % SHAPES]};
  if (part == 2) head.pooling = LF_POOLING_WEIGHTED;
  if ((part == 1 || part == 2) && index % 2 == 1) head.pooling = LF_POOLING_DIRECTIONS;
  if (part == 3 || part == PARTS) {
    head.pooling = LF_POOLING_WINDOW_MAX;
    head.window = part == 3 ? 50 : 6;
  }
  if (part == PARTS) head.words = (config.vocab_size + 1) / 2;
  head.word_dtype = index % 3;
  return head;
}

const char *engine_case_name(int32_t index) {
  static const char *const sharing[] = {"none", "headwise", "key-value", "layerwise"};
  static const char *const projection[] = {"linear", "mean", "max", "conv"};
  static const char *const part_names[] = {"", " stem", " weighted", " windows", " all parts"};
  const lf_config config = engine_case_config(index);
  const int full = config.attention == LF_ATTENTION_FULL;
  const char *parts[] = {full ? "full" : sharing[config.sharing], " ",
                         full ? "attention" : projection[config.projection], part_names[part_of(index)],
                         config.precision == LF_PRECISION_INT8 ? " int8" : ""};
  size_t end = 0;
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    const size_t length = strlen(parts[i]);
    memcpy(name_buffer + end, parts[i], length);
    end += length;
  }
  name_buffer[end] = ' ';
  name_buffer[end + 1] = (char)('0' + index % SHAPES);
  name_buffer[end + 2] = '\0';
  return name_buffer;
}

/* Random bytes that are finite numbers of the dtype, small enough for activations to stay tame. */
static uint64_t random_tensor(int32_t dtype, uint64_t n, uint32_t *state) {
  for (uint64_t i = 0; i < n; i++) {
    const float value = random_float(state, 0.5f);
    if (dtype == LF_F32) {
      memcpy(tensor_data + i * 4, &value, 4);
    } else if (dtype == LF_F16) { /* exponents -7 to 0 */
      const uint16_t half = (uint16_t)((random_bits(state) & 0x83ffu) | (8 + random_bits(state) % 6) << 10);
      memcpy(tensor_data + i * 2, &half, 2);
    } else {
      tensor_data[i] = (uint8_t)random_bits(state);
    }
  }
  return n * lf_dtype_bytes(dtype);
}

/* Sets a tensor of a model or of a head. */
typedef lf_status set_function(void *object, const char *name, int32_t dtype, const int32_t *shape, int32_t n_dims,
                               const void *data, uint64_t data_bytes);

static lf_status set_of_model(void *object, const char *name, int32_t dtype, const int32_t *shape, int32_t n_dims,
                              const void *data, uint64_t data_bytes) {
  return lf_set_tensor(object, name, dtype, shape, n_dims, data, data_bytes);
}

static lf_status set_of_head(void *object, const char *name, int32_t dtype, const int32_t *shape, int32_t n_dims,
                             const void *data, uint64_t data_bytes) {
  return lf_head_set_tensor(object, name, dtype, shape, n_dims, data, data_bytes);
}

/* Every other tensor comes in pieces of three rows and what is left: the bits are the same as if it came at once. */
static lf_status set_in_pieces(set_function *set, void *object, const lf_slot *slot, int32_t dtype, uint64_t bytes) {
  const int is_vector = slot->n_dims == 1 && slot->kind != LF_SLOT_LINEAR;
  const uint64_t row_bytes = (is_vector ? 1 : lf_slot_columns(slot)) * lf_dtype_bytes(dtype);
  const uint64_t most = lf_slot_rows(slot) == 1 && !is_vector ? bytes : 3 * row_bytes;
  for (uint64_t first = 0;; first += most) {
    const uint64_t piece = bytes - first < most ? bytes - first : most;
    const lf_status status = set(object, slot->name, dtype, slot->shape, slot->n_dims, tensor_data + first, piece);
    const lf_status wanted = first + piece < bytes ? LF_MORE : LF_OK;
    if (status != wanted) return status < 0 ? status : LF_ERROR_SIZE;
    if (status == LF_OK) return LF_OK;
  }
}

/* Random values for the `index`-th tensor of all. */
static lf_status set_slot(set_function *set, void *object, const lf_slot *slot, int32_t index, uint32_t *state) {
  int32_t dtype = lf_slot_has_dtype(slot) ? slot->dtype : index % 3;
  if (slot->n_dims == 1) dtype = index % 2;
  uint64_t rows = 1;
  for (int32_t dim = 0; dim + 1 < slot->n_dims; dim++) rows *= (uint64_t)slot->shape[dim];
  if (slot->kind == LF_SLOT_IDS) { /* every other token */
    for (int32_t i = 0; i < slot->shape[0]; i++) memcpy(tensor_data + 4 * (size_t)i, &(int32_t){2 * i}, 4);
    return set_in_pieces(set, object, slot, LF_I32, 4 * (uint64_t)slot->shape[0]);
  }
  if (dtype == LF_I8) {
    char scale_name[LF_NAME_BYTES + 8] = "";
    memcpy(scale_name, slot->name, strlen(slot->name));
    memcpy(scale_name + strlen(slot->name), ".scale", 7);
    for (uint64_t row = 0; row < rows; row++) {
      const float scale = 0.001f + (float)(random_bits(state) % 64) / 8192.0f;
      memcpy(tensor_data + row * 4, &scale, 4);
    }
    const lf_status status = set(object, scale_name, LF_F32, slot->shape, slot->n_dims - 1, tensor_data, rows * 4);
    if (status != LF_OK) return status;
  }
  const uint64_t n = rows * (uint64_t)slot->shape[slot->n_dims - 1];
  const uint64_t bytes = random_tensor(dtype, n, state);
  if (index % 2 == 1) return set_in_pieces(set, object, slot, dtype, bytes);
  return set(object, slot->name, dtype, slot->shape, slot->n_dims, tensor_data, bytes);
}

static lf_status set_weights(lf_model *model, lf_head *head, uint32_t *state) {
  for (int32_t i = 0; i < model->slots.n; i++) {
    const lf_status status = set_slot(set_of_model, model, &model->slots.list[i], i, state);
    if (status != LF_OK) return status;
  }
  for (int32_t i = 0; i < head->slots.n; i++) {
    const lf_status status = set_slot(set_of_head, head, &head->slots.list[i], model->slots.n + i, state);
    if (status != LF_OK) return status;
  }
  const lf_status status = lf_model_ready(model);
  return status != LF_OK ? status : lf_head_ready(head);
}

/* Contributions [n, n_classes] and then logits [n_classes] of what the run has read. */
static lf_status read_by_head(float *out, lf_head *head, lf_run *run, int32_t n) {
  const size_t n_classes = (size_t)head->config.n_classes;
  const int32_t *ids = run->ids;
  lf_status status = lf_head_begin(head);
  if (status == LF_OK) status = lf_head_read(head, run);
  if (status == LF_OK) {
    do status = lf_head_step(head, 2);
    while (status == LF_MORE);
  }
  for (int32_t first = 0; first < n && status == LF_OK; first += LF_TILE) {
    const int32_t rows = n - first < LF_TILE ? n - first : LF_TILE;
    const float *terms = lf_head_terms(head, first, rows);
    if (terms == NULL) return LF_ERROR_STATE;
    status = lf_head_contributions(head, ids + first, first, rows);
    memcpy(out + (size_t)first * n_classes, terms, (size_t)rows * n_classes * sizeof *out);
  }
  memcpy(out + (size_t)n * n_classes, lf_head_logits(head), n_classes * sizeof *out);
  return status;
}

/* Nothing beyond the plan is touched. */
static int untouched(const uint8_t *block, uint64_t planned, uint64_t size) {
  for (uint64_t i = planned; i < size; i++) {
    if (block[i] != 0xff) return 0;
  }
  return 1;
}

int32_t engine_case_run(int32_t index, float *out) {
  uint32_t state = 88172645u + (uint32_t)index;
  const lf_config config = engine_case_config(index);
  const lf_head_config head_config = engine_case_head(index);
  if (lf_config_check(&config) != LF_OK) return LF_ERROR_CONFIG;
  lf_model *model = (lf_model *)(void *)model_block;
  lf_run *run = (lf_run *)(void *)run_block;
  lf_head *head = (lf_head *)(void *)head_block;
  const int32_t n = config.n_max - index % 2 * (config.n_max / 3);
  memset(model_block, 0xff, sizeof model_block); /* NaN wherever nothing is written */
  memset(run_block, 0xff, sizeof run_block);
  memset(head_block, 0xff, sizeof head_block);

  lf_status status = lf_model_init(model, lf_model_bytes(&config), &config);
  if (status == LF_OK) status = lf_head_init(head, lf_head_bytes(&head_config), &head_config);
  if (status == LF_OK) status = set_weights(model, head, &state);
  if (status == LF_OK) status = lf_run_init(run, lf_workspace_bytes(&config, n, 1), model, n, 1);
  if (status != LF_OK) return status;
  for (int32_t t = 0; t < n; t++) lf_run_ids(run)[t] = (int32_t)(random_bits(&state) % (uint32_t)config.vocab_size);
  status = lf_begin(run, n);
  if (status == LF_OK) {
    do status = lf_step(run, 1 + index % 3);
    while (status == LF_MORE);
  }
  if (status != LF_OK) return status;
  if (lf_run_done(run) != lf_run_total(run)) return LF_ERROR_STATE;

  const size_t d = (size_t)config.d_model;
  size_t count = 0;
  for (size_t t = 0; t < (size_t)n; t++) {
    memcpy(out + count, lf_run_x(run) + t * (size_t)lf_run_stride(run), d * sizeof *out);
    count += d;
  }
  status = read_by_head(out + count, head, run, n);
  if (status != LF_OK) return status;
  count += ((size_t)n + 1) * (size_t)head_config.n_classes;
  if (!untouched(run_block, lf_workspace_bytes(&config, n, 1), sizeof run_block)) return LF_ERROR_MEMORY;
  if (!untouched(head_block, lf_head_bytes(&head_config), sizeof head_block)) return LF_ERROR_MEMORY;
  return (int32_t)count;
}
