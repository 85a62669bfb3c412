/* fuzz_engine.c - small models of every shape with weights of every kind, by both kinds of kernels and in double precision
 *
 * The first bytes of the input choose config, lengths and kind of weights; the rest are token ids and seeds. Scalar and
 * SIMD kernels must give the same bits, whatever the weights. Tame weights must give the reference's logits and
 * contributions within a bound that the reference itself measures: what rounding each stored number does to this model.
 * Wild weights (any finite bits) must give finite logits or LF_ERROR_VALUE. */
#include <math.h>

#include "engine_run.h"
#include "fuzz.h"
#include "reference.h"

enum { N = ENGINE_N, VALUES = 1 << 16, WORK = 1 << 15, CLASSES = ENGINE_CLASSES };

/* What is compared with the reference: contributions and logits, and the pooled vector, each within its own scale. */
enum { LABELS = (N + 1) * CLASSES, RESULTS = LABELS + ENGINE_WIDTH };

static reference_model model;
static engine_input engine;
static float values[VALUES];
static uint8_t stored_bytes[4 * VALUES];
static float scales[VALUES];
static double work[WORK];
static engine_result scalar, simd;
static double exact[RESULTS], noisy[RESULTS];

enum { TAME, LARGE, SPARSE, CONSTANT, WILD, KINDS };

typedef struct weights {
  int kind;
  uint32_t state;
  float scale;
} weights;

static uint32_t random_bits(weights *w) {
  w->state ^= w->state << 13;
  w->state ^= w->state >> 17;
  w->state ^= w->state << 5;
  return w->state;
}

static float random_value(weights *w) {
  const float uniform = ((float)(random_bits(w) % 8192) / 4096.0f - 1.0f) * w->scale;
  switch (w->kind) {
    case SPARSE: return random_bits(w) % 4 == 0 ? uniform : 0.0f;
    case CONSTANT: return w->scale;
    case WILD: {
      uint32_t bits = random_bits(w);
      if ((bits & 0x7f800000u) == 0x7f800000u) bits &= ~0x800000u;
      float value;
      memcpy(&value, &bits, sizeof value);
      return value;
    }
    default: return uniform;
  }
}

static float half_value(uint32_t bits) {
  const int exponent = (int)(bits >> 10 & 31);
  const float fraction = (float)(bits & 1023) / 1024.0f;
  const float magnitude = exponent == 0 ? ldexpf(fraction, -14) : ldexpf(1.0f + fraction, exponent - 15);
  return bits >> 15 ? -magnitude : magnitude;
}

/* Mostly a few tokens, which takes little time; sometimes enough for several tiles. */
static int32_t take_length(fuzz_input *input) {
  const uint32_t byte = take_byte(input);
  return 1 + (int32_t)(byte < 224 ? byte % 14 : take_byte(input) % N);
}

static lf_config take_config(fuzz_input *input) {
  lf_config config = {0};
  config.n_heads = take_between(input, 1, 3);
  config.d_model = config.n_heads * take_between(input, 1, 4);
  config.n_max = take_length(input);
  config.n_layers = take_between(input, 1, 3);
  config.d_ff = take_between(input, 1, 10);
  engine.head.n_classes = take_between(input, 1, CLASSES);
  config.vocab_size = take_between(input, 1, 12);
  const uint32_t kinds = take_byte(input);
  config.attention = kinds % 4 == 0;
  config.sharing = (int32_t)(kinds / 4 % 4);
  config.projection = (int32_t)(kinds / 16 % 4);
  config.positions = (int32_t)(kinds / 64 % 2);
  config.precision = (int32_t)(kinds / 128);
  const uint32_t dtypes = take_byte(input);
  config.token_dtype = (int32_t)(dtypes % 3);
  config.position_dtype = (int32_t)(dtypes / 3 % 3);
  config.projection_dtype = (int32_t)(dtypes / 9 % 3);
  const int divides = config.attention == LF_ATTENTION_LINFORMER && config.projection != LF_PROJECTION_LINEAR;
  const int one = divides && config.projection == LF_PROJECTION_CONV && config.sharing == LF_SHARING_LAYERWISE;
  for (int32_t layer = 0; layer < config.n_layers; layer++) {
    int32_t k = take_between(input, 1, config.n_max < 20 ? config.n_max : 20);
    while (divides && config.n_max % k != 0) k--;
    config.k[layer] = one && layer > 0 ? config.k[0] : k;
  }
  return config;
}

/* What comes last, so that an input that ends before has none of it: stem, importance, no positions, and the head's pooling and
 * words. */
static void take_parts(fuzz_input *input) {
  lf_config *config = &engine.config;
  lf_head_config *head = &engine.head;
  const uint32_t parts = take_byte(input);
  if (parts & 1) config->stem = take_between(input, 1, 9);
  if (parts & 2) config->importance = 1;
  if (parts & 4) config->positions = LF_POSITIONS_NONE;
  head->d_model = config->d_model;
  head->vocab_size = config->vocab_size;
  const int weighted = config->importance && config->positions != LF_POSITIONS_NONE;
  head->pooling = LF_POOLING_MEAN;
  if (parts & 8) head->pooling = weighted ? LF_POOLING_WEIGHTED : LF_POOLING_DIRECTIONS;
  head->window = 0;
  if (parts & 16) {
    head->pooling = LF_POOLING_WINDOW_MAX;
    head->window = 2 * take_between(input, 1, 40);
  }
  head->words = parts & 32 ? take_between(input, 1, config->vocab_size) : 0;
  head->word_dtype = (int32_t)(parts >> 6) % 3;
}

/* The ids of the word head: the first and every other one after it, as long as they last, and then the rest. */
static void fill_ids(engine_tensor *out, reference_tensor *tensor, uint8_t *bytes) {
  const int32_t words = tensor->shape[0];
  const int32_t step = 2 * words <= engine.config.vocab_size ? 2 : 1;
  for (int32_t i = 0; i < words; i++) {
    const int32_t id = i * step + (engine.config.vocab_size - words * step) / 2;
    tensor->values[i] = (float)id;
    memcpy(bytes + 4 * (size_t)i, &id, sizeof id);
  }
  tensor->quantised = NULL;
  tensor->scales = NULL;
  *out = (engine_tensor){.name = tensor->name,
                         .shape = tensor->shape,
                         .n_dims = 1,
                         .dtype = LF_I32,
                         .bytes = bytes,
                         .size = 4 * (uint64_t)words,
                         .rows = 1};
}

/* Fills one tensor: its bytes as a file has them, and in tensor->values what they mean. */
static void fill_tensor(engine_tensor *out, reference_tensor *tensor, weights *w, int32_t dtype, uint8_t *bytes,
                        float *row_scales) {
  const size_t size = reference_size(tensor);
  const size_t columns = (size_t)tensor->shape[tensor->n_dims - 1];
  for (size_t i = 0; i < size; i++) {
    if (dtype == LF_F16) {
      uint32_t half = random_bits(w) & 0xffffu;
      if (w->kind != WILD) half = (half & 0x83ffu) | (8 + random_bits(w) % 7) << 10;
      if ((half & 0x7c00u) == 0x7c00u) half &= ~0x400u;
      const uint16_t bits = (uint16_t)half;
      memcpy(bytes + 2 * i, &bits, sizeof bits);
      tensor->values[i] = half_value(half);
    } else if (dtype == LF_I8) {
      const size_t row = i / columns;
      if (i % columns == 0) {
        row_scales[row] = w->kind == WILD ? random_value(w) : fabsf(random_value(w)) / 128.0f + 0x1p-20f;
      }
      bytes[i] = (uint8_t)random_bits(w);
      tensor->values[i] = (float)(int8_t)bytes[i] * row_scales[row];
    } else {
      tensor->values[i] = random_value(w);
      memcpy(bytes + 4 * i, &tensor->values[i], sizeof(float));
    }
  }
  static const uint64_t width[] = {4, 2, 1};
  tensor->quantised = dtype == LF_I8 ? (const int8_t *)bytes : NULL;
  tensor->scales = dtype == LF_I8 ? row_scales : NULL;
  *out = (engine_tensor){.name = tensor->name,
                         .shape = tensor->shape,
                         .n_dims = tensor->n_dims,
                         .dtype = dtype,
                         .bytes = bytes,
                         .size = size * width[dtype],
                         .scales = tensor->scales,
                         .rows = size / columns};
}

static int ends_with(const char *name, const char *end) {
  const size_t length = strlen(name);
  return length >= strlen(end) && strcmp(name + length - strlen(end), end) == 0;
}

/* The dtype that the config asks for, or any that this tensor can have. */
static int32_t dtype_of(const lf_config *config, const reference_tensor *tensor, weights *w) {
  if (strcmp(tensor->name, "embed.token.weight") == 0) return config->token_dtype;
  if (strcmp(tensor->name, "embed.position.weight") == 0) return config->position_dtype;
  const int sequence = ends_with(tensor->name, "attn.E") || ends_with(tensor->name, "attn.F");
  if (sequence && config->projection == LF_PROJECTION_LINEAR) return config->projection_dtype;
  if (strcmp(tensor->name, "words.weight") == 0) return engine.head.word_dtype;
  return (int32_t)(random_bits(w) % (tensor->n_dims == 1 ? 2 : 3));
}

static void fill_all(weights *w) {
  size_t used = 0;
  size_t rows = 0;
  EXPECT(model.n_tensors <= ENGINE_TENSORS);
  engine.n_tensors = model.n_tensors;
  for (int i = 0; i < model.n_tensors; i++) {
    reference_tensor *tensor = &model.tensors[i];
    const size_t size = reference_size(tensor);
    EXPECT(used + size <= VALUES);
    tensor->values = values + used;
    /* Large scores make softmax a choice, and rounding may choose otherwise: large models have equal scores. */
    weights zero = {.kind = CONSTANT, .state = 1};
    const int is_zero = w->kind == LARGE && strstr(tensor->name, "attn.query") != NULL;
    if (strcmp(tensor->name, "words.ids") == 0) {
      fill_ids(&engine.tensors[i], tensor, stored_bytes + 4 * used);
    } else {
      fill_tensor(&engine.tensors[i], tensor, is_zero ? &zero : w,
                  is_zero ? LF_F32 : dtype_of(&model.config, tensor, w), stored_bytes + 4 * used, scales + rows);
    }
    used += size;
    rows += size / (size_t)tensor->shape[tensor->n_dims - 1];
  }
}

/* The results in one array: contributions at their place, then logits, then the pooled vector. */
static int reference(double *out, double noise, uint64_t seed) {
  reference_result result = {.contributions = out,
                             .logits = out + LABELS - CLASSES,
                             .pooled = out + LABELS,
                             .evidence = engine.head.window > 0 ? scalar.evidence : NULL};
  memset(out, 0, RESULTS * sizeof *out);
  return reference_forward(&result, &model, engine.ids, engine.n, noise, seed, work);
}

/* What the engine says, in the same order. */
static double engine_value(size_t i) {
  if (i >= LABELS) return (double)scalar.pooled[i - LABELS];
  return (double)(i < LABELS - CLASSES ? scalar.contributions[i] : scalar.logits[i - (LABELS - CLASSES)]);
}

typedef struct range {
  size_t first, end;
} range;

/* The largest difference to `exact` when every number is off by up to `noise`, in a number of tries. */
static double sensitivity(range part, double noise, uint64_t tries) {
  double largest = 0.0;
  for (uint64_t seed = 1; seed <= tries; seed++) {
    (void)reference(noisy, noise, seed);
    for (size_t i = part.first; i < part.end; i++) largest = fmax(largest, fabs(noisy[i] - exact[i]));
  }
  return largest;
}

/* The largest difference to `exact` of what the engine says. */
static double difference(range part) {
  double largest = 0.0;
  for (size_t i = part.first; i < part.end; i++) {
    const double off = fabs(engine_value(i) - exact[i]);
    largest = off <= largest ? largest : off; /* a NaN is kept */
    if (isnan(off)) break;
  }
  return largest;
}

static void compare_part(range part, int kind, lf_status status, int close) {
  double scale = 0.0;
  for (size_t i = part.first; i < part.end; i++) scale = fmax(scale, fabs(exact[i]));
  if (kind == LARGE && (status != LF_OK || !(sensitivity(part, 0x1p-23, 1) <= scale))) return;
  EXPECT(status == LF_OK);
  const double off = difference(part);
  double bound = 0.0;
  if (!close) {
    /* One try may happen to change little: before an answer counts as wrong, there are more. */
    for (uint64_t tries = 1; tries <= 64 && !(off <= bound); tries *= 8) {
      bound = 2e-5 * scale + 64.0 * sensitivity(part, 0x1p-23, tries) + 1e-30;
    }
  } else {
    /* Single precision may have rounded the other way somewhere: off by a share of a row's range. A coarse check. */
    const double coarse = sensitivity(part, 0x1p-6, 1);
    if (kind != TAME || coarse > 0.02 * scale) return;
    bound = 0.1 * scale + 32.0 * coarse;
  }
  if (!(off <= bound)) {
    (void)fprintf(stderr, "off by %.3g, bound %.3g, scale %.3g, kind %d, close %d\n", off, bound, scale, kind, close);
  }
  EXPECT(off <= bound);
}

static void compare(int kind, lf_status status) {
  const int close = reference(exact, 0.0, 1);
  compare_part((range){0, LABELS}, kind, status, close);
  compare_part((range){LABELS, RESULTS}, kind, status, close);
}

/* The bits of a NaN are the machine's own; that it is one is not. */
static int same_bits(const float *a, const float *b, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]))) return 0;
  }
  return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_input input = {.at = data, .left = size};
  engine.config = take_config(&input);
  weights w = {.kind = take_between(&input, 0, KINDS - 1)};
  static const float scale_choices[] = {0.5f, 0.05f, 1.0f, 2.0f};
  w.scale = w.kind == LARGE ? ldexpf(1.0f, take_between(&input, -60, 60)) : scale_choices[take_byte(&input) % 4];
  w.state = take_u32(&input) | 1u;
  engine.n_cap = take_between(&input, 1, engine.config.n_max);
  engine.n = take_between(&input, 1, engine.n_cap);
  engine.max_tiles = take_between(&input, 1, 4);
  engine.n_threads = take_between(&input, 1, 3); /* room for them; here one does all the work */
  for (int32_t t = 0; t < engine.n; t++) {
    engine.ids[t] = (int32_t)(take_byte(&input) % (uint32_t)engine.config.vocab_size);
  }
  take_parts(&input);
  EXPECT(lf_config_check(&engine.config) == LF_OK && lf_head_config_check(&engine.head) == LF_OK);
  reference_list(&model, &engine.config, &engine.head);
  fill_all(&w);

  const lf_status status = engine_run(&scalar, &engine);
  EXPECT(simd_engine_run(&simd, &engine) == status);
  EXPECT(same_bits(scalar.contributions, simd.contributions, N * CLASSES));
  EXPECT(same_bits(scalar.logits, simd.logits, CLASSES) && same_bits(scalar.pooled, simd.pooled, ENGINE_WIDTH));
  EXPECT(memcmp(scalar.evidence, simd.evidence, sizeof scalar.evidence) == 0);
  for (size_t c = 0; c < CLASSES && status == LF_OK; c++) EXPECT(isfinite(scalar.logits[c]));
  EXPECT(reference_doubles(&engine.config, engine.n) <= WORK);
  if (w.kind != WILD) compare(w.kind, status);
  return 0;
}
