/* fuzz_model.c - configs and tensors of any kind, of trunks and of heads: refused with the right status, or taken
 *
 * The config has mostly small fields, any of which may be raw bits. Then come calls of lf_set_tensor, each for a tensor
 * that the model has or that it has not, right in everything or wrong in one thing, with bytes that end exactly where
 * they should. What the statuses must be is worked out here from linformer.h. */
#include "fuzz.h"
#include "reference.h"

enum { MODEL_BYTES = 1 << 16, DATA_BYTES = 1 << 13, CALLS = 24 };

static _Alignas(64) uint8_t model_memory[MODEL_BYTES];
static _Alignas(64) uint8_t data_memory[DATA_BYTES];
static fuzz_block model_block = {.base = model_memory, .capacity = MODEL_BYTES};
static fuzz_block data_block = {.base = data_memory, .capacity = DATA_BYTES};
static reference_model model; /* the tensors of the trunk, and then those of the head */
static int n_trunk;
static int has_data[REFERENCE_TENSORS];
static int has_scale[REFERENCE_TENSORS];

static const uint64_t width[] = {[LF_F32] = 4, [LF_F16] = 2, [LF_I8] = 1, [LF_I32] = 4};

static lf_config take_config(fuzz_input *input) {
  enum { FIELDS = sizeof(lf_config) / sizeof(int32_t), KINDS = 6 };
  static const int32_t high[] = {6, 12, 8, 3, 4, 5, 1, 3, 3, 2, 2, 2, 2, 1, 7, 1};
  int32_t fields[FIELDS] = {0};
  const uint32_t raw = take_byte(input);
  for (uint32_t i = 0; i < FIELDS; i++) {
    if (raw >= 192 && raw % 64 == i) {
      fields[i] = (int32_t)take_u32(input);
    } else if (i < sizeof high / sizeof high[0]) {
      fields[i] = take_between(input, i < KINDS, high[i]);
    } else if (i < sizeof high / sizeof high[0] + 3) {
      fields[i] = take_between(input, 1, 12);
    }
  }
  if (raw < 160) fields[2] = (fields[2] + fields[4] - 1) / fields[4] * fields[4]; /* d_model: a multiple of n_heads */
  lf_config config;
  memcpy(&config, fields, sizeof config);
  return config;
}

static int in(int64_t value, int64_t low, int64_t high) { return value >= low && value <= high; }

/* The limits in linformer.h. */
static int allowed(const lf_config *c) {
  if (!in(c->vocab_size, 1, 1 << 20) || !in(c->n_max, 1, 1 << 20) || !in(c->d_model, 1, 4096)) return 0;
  if (!in(c->n_layers, 1, LF_MAX_LAYERS) || !in(c->n_heads, 1, 64) || !in(c->d_ff, 1, 16384)) return 0;
  if (c->d_model % c->n_heads != 0 || !in(c->stem, 0, 4096) || !in(c->importance, 0, 1)) return 0;
  if (!in(c->attention, 0, 1) || !in(c->sharing, 0, 3) || !in(c->projection, 0, 3) || !in(c->positions, 0, 2)) return 0;
  if (!in(c->token_dtype, 0, 2) || !in(c->position_dtype, 0, 2) || !in(c->projection_dtype, 0, 2)) return 0;
  if (!in(c->precision, 0, 1)) return 0;
  if (c->attention == LF_ATTENTION_FULL) return 1;
  for (int32_t layer = 0; layer < c->n_layers; layer++) {
    if (!in(c->k[layer], 1, c->n_max)) return 0;
    if (c->projection != LF_PROJECTION_LINEAR && c->n_max % c->k[layer] != 0) return 0;
    if (c->projection == LF_PROJECTION_CONV && c->sharing == LF_SHARING_LAYERWISE && c->k[layer] != c->k[0]) return 0;
  }
  return 1;
}

static int ends_with(const char *name, const char *end) {
  const size_t length = strlen(name);
  return length >= strlen(end) && strcmp(name + length - strlen(end), end) == 0;
}

static lf_head_config take_head_config(fuzz_input *input, const lf_config *config) {
  enum { FIELDS = sizeof(lf_head_config) / sizeof(int32_t) };
  int32_t fields[FIELDS] = {config->d_model, config->vocab_size};
  const uint32_t raw = take_byte(input);
  fields[2] = take_between(input, 1, 3);
  fields[3] = take_between(input, 0, LF_POOLING_DIRECTIONS);
  fields[4] = fields[3] == LF_POOLING_WINDOW_MAX || raw % 16 == 0 ? take_between(input, 0, 20) : 0;
  fields[5] = take_between(input, 0, 4);
  fields[6] = take_between(input, 0, 2);
  if (raw >= 192) fields[raw % FIELDS] = (int32_t)take_u32(input);
  lf_head_config head;
  memcpy(&head, fields, sizeof head);
  return head;
}

static int head_allowed(const lf_head_config *c) {
  if (!in(c->d_model, 1, 4096) || !in(c->vocab_size, 1, 1 << 20) || !in(c->n_classes, 1, 4096)) return 0;
  if (!in(c->pooling, 0, LF_POOLING_DIRECTIONS) || !in(c->words, 0, c->vocab_size) || !in(c->word_dtype, 0, 2))
    return 0;
  return c->pooling == LF_POOLING_WINDOW_MAX ? in(c->window, 2, 1 << 20) && c->window % 2 == 0 : c->window == 0;
}

/* The one dtype that a tensor must have, or -1 if it can have any. */
static int32_t fixed_dtype(const lf_config *config, const reference_tensor *tensor) {
  if (strcmp(tensor->name, "words.ids") == 0) return LF_I32;
  if (strcmp(tensor->name, "words.weight") == 0) return model.head.word_dtype;
  if (strcmp(tensor->name, "embed.token.weight") == 0) return config->token_dtype;
  if (strcmp(tensor->name, "embed.position.weight") == 0) return config->position_dtype;
  const int sequence = ends_with(tensor->name, "attn.E") || ends_with(tensor->name, "attn.F");
  return sequence && config->projection == LF_PROJECTION_LINEAR ? config->projection_dtype : -1;
}

/* All numbers of the block are finite. */
static int finite(const uint8_t *data, uint64_t bytes, int32_t dtype) {
  if (dtype == LF_I8 || dtype == LF_I32) return 1;
  for (uint64_t i = 0; i < bytes; i += width[dtype]) {
    const uint32_t high = (uint32_t)(data[i + width[dtype] - 1] << 8 | data[i + width[dtype] - 2]);
    const uint32_t exponent = dtype == LF_F32 ? 0x7f80u : 0x7c00u;
    if ((high & exponent) == exponent) return 0;
  }
  return 1;
}

/* Ids that ascend, below the size of the vocabulary. */
static int ids_ascend(const uint8_t *data, uint64_t bytes) {
  int32_t before = -1;
  for (uint64_t i = 0; i < bytes; i += sizeof before) {
    int32_t id;
    memcpy(&id, data + i, sizeof id);
    if (id <= before || id >= model.head.vocab_size) return 0;
    before = id;
  }
  return 1;
}

static lf_status hand_over(lf_model *trunk, lf_head *head, const char *name, int32_t dtype,
                           const reference_tensor *tensor, const uint8_t *data, uint64_t bytes) {
  return head != NULL ? lf_head_set_tensor(head, name, dtype, tensor->shape, tensor->n_dims, data, bytes)
                      : lf_set_tensor(trunk, name, dtype, tensor->shape, tensor->n_dims, data, bytes);
}

/* A tensor of the trunk, or of the head, by one call or in two pieces, and whether the status is the one it must be. */
static void set_one(lf_model *trunk, lf_head *head, fuzz_input *input) {
  const int first_tensor = head != NULL ? n_trunk : 0;
  const int end_tensor = head != NULL ? model.n_tensors : n_trunk;
  const uint32_t index = (uint32_t)first_tensor + take_byte(input) % (uint32_t)(end_tensor - first_tensor);
  reference_tensor tensor = model.tensors[index];
  const uint32_t fault = take_byte(input);
  const int scale = tensor.n_dims > 1 && take_byte(input) % 4 == 0;
  const int32_t fixed = fixed_dtype(&model.config, &tensor);
  int32_t dtype = fixed >= 0 ? fixed : take_between(input, 0, tensor.n_dims > 1 ? 2 : 1);
  char name[REFERENCE_NAME + 16];
  (void)snprintf(name, sizeof name, "%s%s", tensor.name, scale ? ".scale" : "");
  if (scale) {
    tensor.n_dims--;
    dtype = LF_F32;
  }
  uint64_t bytes = reference_size(&tensor) * width[dtype];
  lf_status expected = LF_OK;
  const uint32_t detail = take_byte(input);
  switch (fault < 128 ? fault % 8 : 0) {
    case 1: /* a name that no tensor has */
      name[detail % strlen(name)] ^= (char)(1 + detail % 31);
      expected = LF_ERROR_NAME;
      break;
    case 2:
      (void)snprintf(name + strlen(name), sizeof name - strlen(name), "%s", detail % 2 ? ".scale" : "x");
      expected = LF_ERROR_NAME;
      break;
    case 3: {
      const int32_t wrong = detail < 200 ? (dtype + 1) % 4 : (int32_t)(detail * 0x01010101u);
      const int any =
          fixed < 0 && !scale && (wrong == LF_F32 || wrong == LF_F16 || (wrong == LF_I8 && tensor.n_dims > 1));
      expected = any ? LF_ERROR_SIZE : LF_ERROR_DTYPE;
      dtype = wrong;
      break;
    }
    case 4:
      tensor.shape[detail % (uint32_t)tensor.n_dims] += detail % 2 ? 1 : -1;
      expected = LF_ERROR_SHAPE;
      break;
    case 5:
      tensor.n_dims = detail % 2 ? tensor.n_dims - 1 : (int32_t)detail * (detail % 4 ? -1 : 1);
      if (tensor.n_dims == model.tensors[index].n_dims - scale) return;
      expected = LF_ERROR_SHAPE;
      break;
    case 6:
      bytes += detail % 2 ? width[dtype] : (uint64_t)0 - 1;
      expected = LF_ERROR_SIZE;
      break;
    default: break;
  }
  if (expected == LF_ERROR_NAME) { /* the change may have made another tensor's name */
    for (int i = first_tensor; i < end_tensor; i++) {
      const size_t length = strlen(model.tensors[i].name);
      if (strncmp(name, model.tensors[i].name, length) != 0) continue;
      if (name[length] == '\0' || (strcmp(name + length, ".scale") == 0 && model.tensors[i].n_dims > 1)) return;
    }
  }
  /* Whole rows, or values of a vector, may come in pieces. pool.weight is one row. */
  const reference_tensor *right = &model.tensors[index];
  const int is_vector = scale || right->n_dims == 1;
  const uint64_t value_bytes = dtype >= 0 && dtype < 4 ? width[dtype] : 1;
  const uint64_t row_bytes = value_bytes * (is_vector ? 1 : (uint64_t)right->shape[right->n_dims - 1]);
  const uint64_t whole = reference_size(&tensor) * value_bytes;
  if (expected == LF_ERROR_SIZE && bytes > 0 && bytes < whole && bytes % row_bytes == 0) return; /* a piece */
  const int pieces = fault < 128 && fault % 8 == 7 && strcmp(right->name, "pool.weight") != 0 && bytes > row_bytes;
  uint8_t *data = cut(&data_block, bytes < DATA_BYTES ? bytes : 0);
  if (bytes >= DATA_BYTES) return;
  for (uint64_t i = 0; i < bytes; i++) data[i] = (uint8_t)(detail * (uint32_t)(i + 1)) & 0x3f;
  for (int i = 0; i < 4 && bytes > 0 && fault >= 192; i++) data[take_byte(input) % bytes] = (uint8_t)take_byte(input);
  if (dtype == LF_I32 && fault % 4 != 0) { /* right, unless bytes are changed below */
    for (uint64_t i = 0; i + 4 <= bytes; i += 4) memcpy(data + i, &(int32_t){(int32_t)i / 4}, 4);
  }
  if (expected == LF_OK && !finite(data, bytes, dtype)) expected = LF_ERROR_VALUE;
  if (expected == LF_OK && dtype == LF_I32 && !ids_ascend(data, bytes)) expected = LF_ERROR_TOKEN;
  if (expected == LF_OK && !scale && dtype == LF_I8 && !has_scale[index]) expected = LF_ERROR_SCALE;

  const uint64_t first = pieces && expected == LF_OK ? row_bytes * (1 + detail % (bytes / row_bytes - 1)) : 0;
  if (first > 0) EXPECT(hand_over(trunk, head, name, dtype, &tensor, data, first) == LF_MORE);
  const lf_status status = hand_over(trunk, head, name, dtype, &tensor, data + first, bytes - first);
  if (status != expected) (void)fprintf(stderr, "%s: status %d, expected %d\n", name, (int)status, (int)expected);
  EXPECT(status == expected);
  if (status != LF_OK) return;
  if (scale) has_scale[index] = 1;
  if (!scale) has_data[index] = 1;
}

/* Index of the first tensor from `first` to `end` that was not set, or `end`. */
static int first_missing(int first, int end) {
  while (first < end && has_data[first]) first++;
  return first;
}

static void try_head(fuzz_input *input, const lf_config *config) {
  const lf_head_config head_config = take_head_config(input, config);
  const int ok = head_allowed(&head_config);
  const uint64_t bytes = lf_head_bytes(&head_config);
  EXPECT((lf_head_config_check(&head_config) == LF_OK) == ok && (bytes > 0) == ok);
  if (!ok || bytes > MODEL_BYTES) {
    cut(&model_block, 64);
    EXPECT(lf_head_init((lf_head *)(void *)model_memory, ok ? bytes - 1 : 64, &head_config) ==
           (ok ? LF_ERROR_MEMORY : LF_ERROR_CONFIG));
    return;
  }
  lf_head *head = cut(&model_block, bytes);
  EXPECT(lf_head_init(head, bytes, &head_config) == LF_OK);
  reference_list(&model, config, &head_config);
  for (int i = 0; i < CALLS && input->left > 0; i++) set_one(NULL, head, input);
  const int missing = first_missing(n_trunk, model.n_tensors);
  EXPECT((lf_head_ready(head) == LF_OK) == (missing == model.n_tensors));
  EXPECT(strcmp(lf_head_missing(head), missing < model.n_tensors ? model.tensors[missing].name : "") == 0);
  EXPECT(lf_head_begin(head) == lf_head_ready(head));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_input input = {.at = data, .left = size};
  const lf_config config = take_config(&input);
  const int ok = allowed(&config);
  EXPECT((lf_config_check(&config) == LF_OK) == ok);
  const uint64_t bytes = lf_model_bytes(&config);
  EXPECT((bytes > 0) == ok);
  const int32_t n_cap = (int32_t)take_byte(&input) - 2;
  const int32_t n_threads = (int32_t)take_byte(&input) - 2;
  EXPECT((lf_workspace_bytes(&config, n_cap, n_threads) > 0) ==
         (ok && in(n_cap, 1, config.n_max) && in(n_threads, 1, LF_MAX_THREADS)));
  if (!ok || bytes > MODEL_BYTES) {
    cut(&model_block, 64);
    EXPECT(lf_model_init((lf_model *)(void *)model_memory, ok ? bytes - 1 : 64, &config) ==
           (ok ? LF_ERROR_MEMORY : LF_ERROR_CONFIG));
    return 0;
  }
  lf_model *trunk = cut(&model_block, bytes);
  EXPECT(lf_model_init(trunk, bytes, &config) == LF_OK);
  reference_list(&model, &config, NULL);
  n_trunk = model.n_tensors;
  memset(has_data, 0, sizeof has_data);
  memset(has_scale, 0, sizeof has_scale);
  const uint32_t calls = size % CALLS; /* the rest of the input is for the head */
  for (uint32_t i = 0; i < calls && input.left > 0; i++) set_one(trunk, NULL, &input);
  const int missing = first_missing(0, n_trunk);
  EXPECT((lf_model_ready(trunk) == LF_OK) == (missing == n_trunk));
  EXPECT(strcmp(lf_model_missing(trunk), missing < n_trunk ? model.tensors[missing].name : "") == 0);
  try_head(&input, &config);
  return 0;
}
