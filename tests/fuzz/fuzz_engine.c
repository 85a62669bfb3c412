/* fuzz_engine.c - small models of every shape with weights of every kind, against the reference in double precision
 *
 * The first bytes of the input choose config, lengths and kind of weights; the rest are token ids and seeds. Tame weights
 * must give the reference's logits and contributions within a bound that the reference itself measures: what rounding
 * each stored number does to this model. Wild weights (any finite bits) must give finite logits or LF_ERROR_VALUE. */
#include <float.h>
#include <math.h>

#include "fuzz.h"
#include "reference.h"

enum { N = 100, MODEL_BYTES = 1 << 19, RUN_BYTES = 1 << 20, VALUES = 1 << 16, WORK = 1 << 15, CLASSES = 4 };

static _Alignas(64) uint8_t model_memory[MODEL_BYTES];
static _Alignas(64) uint8_t run_memory[RUN_BYTES];
static fuzz_block model_block = {.base = model_memory, .capacity = MODEL_BYTES};
static fuzz_block run_block = {.base = run_memory, .capacity = RUN_BYTES};
static reference_model model;
static float values[VALUES];
static uint8_t stored_bytes[4 * VALUES];
static float scales[VALUES];
static double work[WORK];
static double exact[N * CLASSES + CLASSES], noisy[N * CLASSES + CLASSES];

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

static lf_config take_config(fuzz_input *input) {
  lf_config config = {0};
  config.n_heads = take_between(input, 1, 3);
  config.d_model = config.n_heads * take_between(input, 1, 4);
  config.n_max = take_between(input, 1, N);
  config.n_layers = take_between(input, 1, 3);
  config.d_ff = take_between(input, 1, 10);
  config.n_classes = take_between(input, 1, CLASSES);
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

/* Fills one tensor with values and hands it to the engine; `values` are what the bytes mean. */
static lf_status set_tensor(lf_model *engine, reference_tensor *tensor, weights *w, int32_t dtype) {
  const size_t size = reference_size(tensor);
  const size_t columns = (size_t)tensor->shape[tensor->n_dims - 1];
  float *out = tensor->values;
  for (size_t i = 0; i < size; i++) {
    if (dtype == LF_F16) {
      uint32_t half = random_bits(w) & 0xffffu;
      if (w->kind != WILD) half = (half & 0x83ffu) | (8 + random_bits(w) % 7) << 10;
      if ((half & 0x7c00u) == 0x7c00u) half &= ~0x400u;
      const uint16_t bits = (uint16_t)half;
      memcpy(stored_bytes + 2 * i, &bits, sizeof bits);
      out[i] = half_value(half);
    } else if (dtype == LF_I8) {
      const size_t row = i / columns;
      if (i % columns == 0) {
        scales[row] = w->kind == WILD ? random_value(w) : fabsf(random_value(w)) / 128.0f + 0x1p-20f;
      }
      const int8_t byte = (int8_t)(uint8_t)random_bits(w);
      memcpy(stored_bytes + i, &byte, 1);
      out[i] = (float)byte * scales[row];
    } else {
      out[i] = random_value(w);
      memcpy(stored_bytes + 4 * i, &out[i], sizeof out[i]);
    }
  }
  if (dtype == LF_I8) {
    char name[REFERENCE_NAME + 8];
    (void)snprintf(name, sizeof name, "%s.scale", tensor->name);
    EXPECT(lf_set_tensor(engine, tensor->name, LF_I8, tensor->shape, tensor->n_dims, stored_bytes, size) ==
           LF_ERROR_SCALE);
    const lf_status status =
        lf_set_tensor(engine, name, LF_F32, tensor->shape, tensor->n_dims - 1, scales, size / columns * sizeof *scales);
    if (status != LF_OK) return status;
  }
  static const uint64_t width[] = {4, 2, 1};
  return lf_set_tensor(engine, tensor->name, dtype, tensor->shape, tensor->n_dims, stored_bytes, size * width[dtype]);
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
  return (int32_t)(random_bits(w) % (tensor->n_dims == 1 ? 2 : 3));
}

static lf_status set_all(lf_model *engine, weights *w) {
  size_t used = 0;
  for (int i = 0; i < model.n_tensors; i++) {
    reference_tensor *tensor = &model.tensors[i];
    EXPECT(lf_model_ready(engine) == LF_ERROR_MISSING);
    tensor->values = values + used;
    used += reference_size(tensor);
    EXPECT(used <= VALUES);
    /* Large scores make softmax a choice, and rounding may choose otherwise: large models have equal scores. */
    const weights before = *w;
    if (w->kind == LARGE && strstr(tensor->name, "attn.query") != NULL) *w = (weights){.kind = CONSTANT, .state = 1};
    const int zero = w->kind != before.kind;
    const lf_status status = set_tensor(engine, tensor, w, zero ? LF_F32 : dtype_of(&model.config, tensor, w));
    *w = zero ? before : *w;
    if (status != LF_OK) return status;
  }
  return lf_model_ready(engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_input input = {.at = data, .left = size};
  const lf_config config = take_config(&input);
  EXPECT(lf_config_check(&config) == LF_OK);
  reference_list(&model, &config);

  weights w = {.kind = take_between(&input, 0, KINDS - 1)};
  static const float scale_choices[] = {0.5f, 0.05f, 1.0f, 2.0f};
  w.scale = w.kind == LARGE ? ldexpf(1.0f, take_between(&input, -60, 60)) : scale_choices[take_byte(&input) % 4];
  w.state = take_u32(&input) | 1u;
  const int32_t n_cap = take_between(&input, 1, config.n_max);
  const int32_t n = take_between(&input, 1, n_cap);
  const int32_t max_tiles = take_between(&input, 1, 4);
  const int32_t n_threads = take_between(&input, 1, 3); /* room for them; here one does all the work */

  lf_model *engine = cut(&model_block, lf_model_bytes(&config));
  lf_run *run = cut(&run_block, lf_workspace_bytes(&config, n_cap, n_threads));
  EXPECT(engine != NULL && run != NULL);
  EXPECT(reference_doubles(&config, n) <= WORK);
  memset(engine, 0xff, model_block.bytes); /* NaN wherever nothing is written */
  memset(run, 0xff, run_block.bytes);
  EXPECT(lf_model_init(engine, model_block.bytes, &config) == LF_OK);
  EXPECT(lf_run_init(run, run_block.bytes, engine, n_cap, n_threads) == LF_ERROR_MISSING);
  EXPECT(set_all(engine, &w) == LF_OK);
  EXPECT(lf_run_init(run, run_block.bytes, engine, n_cap, n_threads) == LF_OK);
  EXPECT(lf_step(run, 1) == LF_ERROR_STATE);

  int32_t ids[N];
  for (int32_t t = 0; t < n; t++) ids[t] = (int32_t)(take_byte(&input) % (uint32_t)config.vocab_size);
  memcpy(lf_run_ids(run), ids, (size_t)n * sizeof *ids);
  EXPECT(lf_begin(run, n) == LF_OK);
  lf_status status = LF_MORE;
  for (int32_t steps = 0; status == LF_MORE; steps++) {
    EXPECT(steps <= lf_run_total(run));
    status = lf_step(run, max_tiles);
  }
  EXPECT(status == LF_OK || status == LF_ERROR_VALUE);
  EXPECT(lf_run_done(run) == lf_run_total(run));

  const size_t n_classes = (size_t)config.n_classes;
  const float *logits = lf_run_logits(run);
  for (size_t c = 0; c < n_classes && status == LF_OK; c++) EXPECT(isfinite(logits[c]));
  if (w.kind == WILD) return 0;

  const size_t count = (size_t)n * n_classes;
  reference_forward(exact + count, exact, &model, ids, n, 0.0, work);
  const int codes = config.precision == LF_PRECISION_INT8;
  reference_forward(noisy + count, noisy, &model, ids, n, codes ? 0x1p-6 : 0x1p-23, work);
  double scale = 0.0;
  double sensitivity = 0.0;
  for (size_t i = 0; i < count + n_classes; i++) {
    scale = fmax(scale, fabs(exact[i]));
    sensitivity = fmax(sensitivity, fabs(noisy[i] - exact[i]));
  }
  if (w.kind == LARGE && (status != LF_OK || sensitivity > scale)) return 0;
  EXPECT(status == LF_OK);
  /* Codes of 8 bits are off by a share of the row's range, which the reference does not know: a coarse check. */
  if (codes && (w.kind != TAME || sensitivity > 0.02 * scale)) return 0;
  const double bound = codes ? 0.1 * scale + 32.0 * sensitivity : 2e-5 * scale + 64.0 * sensitivity + 1e-30;
  const float *contributions = lf_run_contributions(run);
  for (size_t i = 0; i < count + n_classes; i++) {
    const double value = (double)(i < count ? contributions[i] : logits[i - count]);
    if (!(fabs(value - exact[i]) <= bound)) {
      (void)fprintf(stderr, "value %zu of %zu: %.9g, reference %.9g, bound %.3g, kind %d, scale %g\n", i,
                    count + n_classes, value, exact[i], bound, w.kind, (double)w.scale);
    }
    EXPECT(fabs(value - exact[i]) <= bound);
  }
  return 0;
}
