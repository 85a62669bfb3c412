/* test_engine.c - the contracts of linformer.h: sizes, states, and what it refuses */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "linformer.h"

enum { N_MAX = 100, D = 12, VOCAB = 10, K = 4, CANARY = 0x5a };

static lf_config small_config(void) {
  return (lf_config){.vocab_size = VOCAB,
                     .n_max = N_MAX,
                     .d_model = D,
                     .n_layers = 1,
                     .n_heads = 3,
                     .d_ff = 8,
                     .sharing = LF_SHARING_LAYERWISE,
                     .k = {K}};
}

/* A block of exactly `bytes`, so that the address sanitizer sees one byte too much. */
static void *block(uint64_t bytes) { return aligned_alloc(LF_ALIGN, (size_t)((bytes + 63) / 64 * 64)); }

static lf_status set(lf_model *model, const char *name, int32_t n_dims, int32_t rows, int32_t columns) {
  const int32_t shape[2] = {n_dims == 1 ? columns : rows, columns};
  const size_t n = (size_t)(n_dims == 1 ? columns : rows * columns);
  float *data = malloc(n * sizeof *data);
  for (size_t i = 0; i < n; i++) data[i] = 0.1f * (float)(i % 7) - 0.3f;
  const lf_status status = lf_set_tensor(model, name, LF_F32, shape, n_dims, data, n * sizeof *data);
  free(data);
  return status;
}

static lf_status set_all(lf_model *model) {
  static const struct {
    const char *name;
    int32_t n_dims, rows, columns;
  } tensors[] = {
      {"embed.token.weight", 2, VOCAB, D},
      {"embed.position.weight", 2, N_MAX, D},
      {"attn.E", 2, K, N_MAX},
      {"layers.0.attn_norm.weight", 1, 0, D},
      {"layers.0.attn_norm.bias", 1, 0, D},
      {"layers.0.attn.query.weight", 2, D, D},
      {"layers.0.attn.query.bias", 1, 0, D},
      {"layers.0.attn.key.weight", 2, D, D},
      {"layers.0.attn.key.bias", 1, 0, D},
      {"layers.0.attn.value.weight", 2, D, D},
      {"layers.0.attn.value.bias", 1, 0, D},
      {"layers.0.attn.out.weight", 2, D, D},
      {"layers.0.attn.out.bias", 1, 0, D},
      {"layers.0.ffn_norm.weight", 1, 0, D},
      {"layers.0.ffn_norm.bias", 1, 0, D},
      {"layers.0.ffn.in.weight", 2, 8, D},
      {"layers.0.ffn.in.bias", 1, 0, 8},
      {"layers.0.ffn.out.weight", 2, D, 8},
      {"layers.0.ffn.out.bias", 1, 0, D},
      {"norm.weight", 1, 0, D},
      {"norm.bias", 1, 0, D},
  };
  for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++) {
    CHECK(lf_model_ready(model) == LF_ERROR_MISSING);
    CHECK(strcmp(lf_model_missing(model), tensors[i].name) == 0); /* the model lists them in this order */
    const lf_status status = set(model, tensors[i].name, tensors[i].n_dims, tensors[i].rows, tensors[i].columns);
    if (status != LF_OK) return status;
  }
  CHECK(strcmp(lf_model_missing(model), "") == 0);
  return lf_model_ready(model);
}

static void configs(void) {
  lf_config config = small_config();
  CHECK(lf_config_check(&config) == LF_OK);
  CHECK(lf_config_check(NULL) == LF_ERROR_CONFIG);
  CHECK(lf_model_bytes(&config) > 0);
  CHECK(lf_workspace_bytes(&config, 0, 1) == 0);
  CHECK(lf_workspace_bytes(&config, N_MAX + 1, 1) == 0);
  CHECK(lf_workspace_bytes(&config, 1, 1) < lf_workspace_bytes(&config, N_MAX, 1));

  /* Every field at the values around its limits. */
  const size_t fields = offsetof(lf_config, k) / sizeof(int32_t);
  const int32_t bad[] = {-1, INT32_MIN, INT32_MAX, (1 << 20) + 1};
  for (size_t field = 0; field < fields; field++) {
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
      config = small_config();
      memcpy((char *)&config + field * sizeof(int32_t), &bad[i], sizeof bad[i]);
      CHECK(lf_config_check(&config) == LF_ERROR_CONFIG);
      CHECK(lf_model_bytes(&config) == 0);
      CHECK(lf_workspace_bytes(&config, 1, 1) == 0);
    }
  }
  for (int32_t k = -1; k <= N_MAX + 1; k++) {
    config = small_config();
    config.k[0] = k;
    CHECK((lf_config_check(&config) == LF_OK) == (k >= 1 && k <= N_MAX));
    config.projection = LF_PROJECTION_MEAN;
    CHECK((lf_config_check(&config) == LF_OK) == (k >= 1 && k <= N_MAX && N_MAX % k == 0));
  }
  config = small_config();
  config.n_heads = 5;
  CHECK(lf_config_check(&config) == LF_ERROR_CONFIG);

  /* The largest model of all: sizes neither wrap nor trap. */
  config = (lf_config){.vocab_size = 1 << 20,
                       .n_max = 1 << 20,
                       .d_model = 4096,
                       .n_layers = LF_MAX_LAYERS,
                       .n_heads = 64,
                       .d_ff = 16384,
                       .sharing = LF_SHARING_NONE};
  for (int32_t layer = 0; layer < LF_MAX_LAYERS; layer++) config.k[layer] = 1 << 20;
  CHECK(lf_config_check(&config) == LF_OK);
  CHECK(lf_model_bytes(&config) > (uint64_t)1 << 50);
  CHECK(lf_workspace_bytes(&config, 1 << 20, 1) > (uint64_t)1 << 40);
}

static void tensors(void) {
  const lf_config config = small_config();
  const uint64_t bytes = lf_model_bytes(&config);
  char *memory = block(bytes + LF_ALIGN);
  lf_model *model = (lf_model *)(void *)memory;
  CHECK(lf_model_init(model, bytes - 1, &config) == LF_ERROR_MEMORY);
  CHECK(lf_model_init((lf_model *)(void *)(memory + 8), bytes, &config) == LF_ERROR_MEMORY);
  CHECK(lf_model_init(NULL, bytes, &config) == LF_ERROR_MEMORY);
  CHECK(lf_model_init(model, bytes, &config) == LF_OK);

  float data[K * N_MAX] = {0.0f};
  const int32_t vector[] = {D};
  const int32_t square[] = {D, D};
  const int32_t wrong[] = {D, D + 1};
  const char *weight = "layers.0.attn.key.weight";
  CHECK(lf_set_tensor(model, "nothing", LF_F32, vector, 1, data, D * 4) == LF_ERROR_NAME);
  CHECK(lf_set_tensor(model, "", LF_F32, vector, 1, data, D * 4) == LF_ERROR_NAME);
  CHECK(lf_set_tensor(model, "norm.weight.scale", LF_F32, vector, 1, data, D * 4) == LF_ERROR_NAME);
  CHECK(lf_set_tensor(model, "norm.weigh", LF_F32, vector, 1, data, D * 4) == LF_ERROR_NAME);
  CHECK(lf_set_tensor(model, "norm.weights", LF_F32, vector, 1, data, D * 4) == LF_ERROR_NAME);
  CHECK(lf_set_tensor(model, ".scale", LF_F32, vector, 1, data, D * 4) == LF_ERROR_NAME);
  char longest[200];
  memset(longest, 'a', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  CHECK(lf_set_tensor(model, longest, LF_F32, vector, 1, data, D * 4) == LF_ERROR_NAME);
  CHECK(lf_set_tensor(model, "norm.weight", LF_I8, vector, 1, data, D) == LF_ERROR_DTYPE);
  CHECK(lf_set_tensor(model, "norm.weight", 3, vector, 1, data, D) == LF_ERROR_DTYPE);
  CHECK(lf_set_tensor(model, "norm.weight", -1, vector, 1, data, D) == LF_ERROR_DTYPE);
  CHECK(lf_set_tensor(model, "attn.E", LF_F16, square, 2, data, D) == LF_ERROR_DTYPE); /* the config says F32 */
  CHECK(lf_set_tensor(model, weight, LF_F32, vector, 1, data, D * 4) == LF_ERROR_SHAPE);
  CHECK(lf_set_tensor(model, weight, LF_F32, wrong, 2, data, D * (D + 1) * 4) == LF_ERROR_SHAPE);
  CHECK(lf_set_tensor(model, weight, LF_F32, square, 2, data, D * D * 4 - 1) == LF_ERROR_SIZE);
  CHECK(lf_set_tensor(model, weight, LF_F16, square, 2, data, D * D * 4) == LF_ERROR_SIZE);
  CHECK(lf_set_tensor(model, weight, LF_F32, square, 2, data, 0) == LF_ERROR_SIZE);
  CHECK(lf_set_tensor(model, weight, LF_I8, square, 2, data, D * D) == LF_ERROR_SCALE);
  CHECK(lf_set_tensor(model, "layers.0.attn.key.weight.scale", LF_F16, vector, 1, data, D * 2) == LF_ERROR_DTYPE);
  CHECK(lf_set_tensor(model, "layers.0.attn.key.weight.scale", LF_F32, square, 2, data, D * D * 4) == LF_ERROR_SHAPE);
  CHECK(lf_set_tensor(model, "layers.0.attn.key.weight.scale", LF_F32, vector, 1, data, D * 4) == LF_OK);
  CHECK(lf_set_tensor(model, weight, LF_I8, square, 2, data, D * D) == LF_OK);

  /* In pieces: whole rows, in order; one that is refused changes nothing. */
  const char *other = "layers.0.attn.value.weight";
  CHECK(lf_set_tensor(model, other, LF_F32, square, 2, data, D * 4) == LF_MORE);
  CHECK(lf_set_tensor(model, other, LF_F32, square, 2, data, D * D * 4) == LF_ERROR_SIZE); /* a row too many */
  CHECK(lf_set_tensor(model, other, LF_F32, square, 2, data, D * 4 - 4) == LF_ERROR_SIZE);
  CHECK(lf_set_tensor(model, other, LF_F32, square, 2, data, (D - 2) * D * 4) == LF_MORE);
  data[D - 1] = NAN;
  CHECK(lf_set_tensor(model, other, LF_F32, square, 2, data, D * 4) == LF_ERROR_VALUE);
  data[D - 1] = 0.0f;
  CHECK(lf_set_tensor(model, other, LF_F32, square, 2, data, D * 4) == LF_OK);
  CHECK(lf_set_tensor(model, other, LF_F32, square, 2, data, D * D * 4) == LF_OK); /* all of it anew */
  const char *scales = "layers.0.attn.value.weight.scale";
  CHECK(lf_set_tensor(model, scales, LF_F32, vector, 1, data, D * 4 - 4) == LF_MORE);
  CHECK(lf_set_tensor(model, other, LF_I8, square, 2, data, D * D) == LF_ERROR_SCALE);
  CHECK(lf_set_tensor(model, scales, LF_F32, vector, 1, data, 4) == LF_OK);
  CHECK(lf_set_tensor(model, other, LF_I8, square, 2, data, D * D) == LF_OK);
  data[D - 1] = NAN;
  CHECK(lf_set_tensor(model, "norm.weight", LF_F32, vector, 1, data, D * 4) == LF_ERROR_VALUE);
  data[D - 1] = INFINITY;
  CHECK(lf_set_tensor(model, "norm.weight", LF_F32, vector, 1, data, D * 4) == LF_ERROR_VALUE);
  const uint16_t half_infinity = 0x7c00;
  memcpy(data, &half_infinity, sizeof half_infinity);
  CHECK(lf_set_tensor(model, "norm.weight", LF_F16, vector, 1, data, D * 2) == LF_ERROR_VALUE);
  CHECK(lf_model_ready(model) == LF_ERROR_MISSING);
  free(memory);
}

static void runs(void) {
  const lf_config config = small_config();
  lf_model *model = block(lf_model_bytes(&config));
  CHECK(lf_model_init(model, lf_model_bytes(&config), &config) == LF_OK);
  const uint64_t bytes = lf_workspace_bytes(&config, 60, 1);
  char *memory = block(bytes + LF_ALIGN);
  memset(memory + bytes, CANARY, LF_ALIGN);
  lf_run *run = (lf_run *)(void *)memory;
  CHECK(lf_run_init(run, bytes, model, 60, 1) == LF_ERROR_MISSING);
  CHECK(set_all(model) == LF_OK);
  CHECK(lf_run_init(run, bytes, NULL, 60, 1) == LF_ERROR_MISSING);
  CHECK(lf_run_init(run, bytes, model, 0, 1) == LF_ERROR_LENGTH);
  CHECK(lf_run_init(run, bytes, model, N_MAX + 1, 1) == LF_ERROR_LENGTH);
  CHECK(lf_run_init(run, bytes - 1, model, 60, 1) == LF_ERROR_MEMORY);
  CHECK(lf_run_init(run, bytes, model, 61, 1) == LF_ERROR_MEMORY);
  CHECK(lf_run_init((lf_run *)(void *)(memory + 4), bytes, model, 60, 1) == LF_ERROR_MEMORY);
  CHECK(lf_run_init(run, bytes, model, 60, 1) == LF_OK);

  CHECK(lf_step(run, 1) == LF_ERROR_STATE);
  CHECK(lf_begin(run, 0) == LF_ERROR_LENGTH);
  CHECK(lf_begin(run, -1) == LF_ERROR_LENGTH);
  CHECK(lf_begin(run, 61) == LF_ERROR_LENGTH);
  for (int32_t t = 0; t < 60; t++) lf_run_ids(run)[t] = t % VOCAB;
  lf_run_ids(run)[59] = VOCAB;
  CHECK(lf_begin(run, 60) == LF_ERROR_TOKEN);
  lf_run_ids(run)[59] = -1;
  CHECK(lf_begin(run, 60) == LF_ERROR_TOKEN);
  CHECK(lf_step(run, 1) == LF_ERROR_STATE);
  CHECK(lf_begin(run, 59) == LF_OK);
  CHECK(lf_step(run, 0) == LF_ERROR_STATE);
  CHECK(lf_run_total(run) == 2 * 2); /* two passes over two tiles */
  for (int32_t done = 1; done <= 4; done++) {
    CHECK(lf_step(run, 1) == (done < 4 ? LF_MORE : LF_OK));
    CHECK(lf_run_done(run) == done);
  }
  float first[D];
  memcpy(first, lf_run_pooled(run), sizeof first);
  CHECK(lf_run_weight(run) == 59.0);

  /* A run that is cut short leaves nothing behind, and the number of tiles in a step does not show. */
  CHECK(lf_begin(run, 30) == LF_OK);
  CHECK(lf_step(run, 1) == LF_MORE);
  CHECK(lf_begin(run, 59) == LF_OK);
  CHECK(lf_step(run, 1000) == LF_OK);
  CHECK(memcmp(first, lf_run_pooled(run), sizeof first) == 0);
  for (int i = 0; i < LF_ALIGN; i++) CHECK(memory[bytes + (uint64_t)i] == CANARY);
  free(memory);
  free(model);
}

/* Weights that overflow give an error, not a label. */
static void overflow(void) {
  const lf_config config = small_config();
  lf_model *model = block(lf_model_bytes(&config));
  CHECK(lf_model_init(model, lf_model_bytes(&config), &config) == LF_OK);
  CHECK(set_all(model) == LF_OK);
  float huge[VOCAB * D];
  for (size_t i = 0; i < sizeof huge / sizeof huge[0]; i++) huge[i] = i % 2 == 0 ? 3e38f : -3e38f;
  const int32_t shape[] = {VOCAB, D};
  CHECK(lf_set_tensor(model, "embed.token.weight", LF_F32, shape, 2, huge, sizeof huge) == LF_OK);
  lf_run *run = block(lf_workspace_bytes(&config, 5, 1));
  CHECK(lf_run_init(run, lf_workspace_bytes(&config, 5, 1), model, 5, 1) == LF_OK);
  for (int32_t t = 0; t < 5; t++) lf_run_ids(run)[t] = t;
  CHECK(lf_begin(run, 5) == LF_OK);
  CHECK(lf_step(run, 1000) == LF_ERROR_VALUE);
  free(run);
  free(model);
}

int main(void) {
  configs();
  tensors();
  runs();
  overflow();
  return summary();
}
