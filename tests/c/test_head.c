/* test_head.c - the contracts of heads in linformer.h: sizes, states, what they refuse, and results worked out by hand */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "linformer.h"
#include "slots.h"

enum { N_MAX = 120, D = 8, VOCAB = 10, CLASSES = 2, WORDS = 3 };

static lf_config trunk_config(void) {
  return (lf_config){.vocab_size = VOCAB,
                     .n_max = N_MAX,
                     .d_model = D,
                     .n_layers = 1,
                     .n_heads = 2,
                     .d_ff = 8,
                     .sharing = LF_SHARING_LAYERWISE,
                     .positions = LF_POSITIONS_NONE,
                     .stem = 5,
                     .importance = 1,
                     .k = {4}};
}

static lf_head_config head_config(int32_t pooling, int32_t window, int32_t words) {
  return (lf_head_config){
      .d_model = D, .vocab_size = VOCAB, .n_classes = CLASSES, .pooling = pooling, .window = window, .words = words};
}

/* A block of exactly `bytes`, so that the address sanitizer sees one byte too much. */
static void *block(uint64_t bytes) { return aligned_alloc(LF_ALIGN, (size_t)((bytes + 63) / 64 * 64)); }

static const float values[1200];
static float weights[1200];

static lf_model *make_trunk(void) {
  const lf_config config = trunk_config();
  lf_model *model = block(lf_model_bytes(&config));
  CHECK(lf_model_init(model, lf_model_bytes(&config), &config) == LF_OK);
  static const struct {
    const char *name;
    int32_t n_dims, shape[2];
  } own[] = {{"stem.in.weight", 2, {5, 3 * D}}, {"stem.in.bias", 1, {5}},   {"stem.out.weight", 2, {D, 5}},
             {"stem.out.bias", 1, {D}},         {"pool.token", 1, {VOCAB}}, {"pool.weight", 1, {D}}};
  for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) weights[i] = 0.1f * (float)(i * i % 7) - 0.3f;
  /* Every tensor in the order in which they are missed, which is that of linformer.h. */
  for (const char *name = lf_model_missing(model); *name != '\0'; name = lf_model_missing(model)) {
    const lf_slot *slot = (const lf_slot *)(const void *)name; /* its name is its first member */
    const uint64_t n = (uint64_t)lf_slot_rows(slot) * lf_slot_columns(slot);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
      if (strcmp(own[i].name, name) != 0) continue;
      CHECK(slot->n_dims == own[i].n_dims && memcmp(slot->shape, own[i].shape, sizeof own[i].shape) == 0);
      const int32_t wrong[] = {slot->shape[0] + 1, slot->shape[1]};
      CHECK(lf_set_tensor(model, name, LF_F32, wrong, slot->n_dims, weights, n * 4) == LF_ERROR_SHAPE);
      CHECK(lf_set_tensor(model, name, LF_F32, slot->shape, slot->n_dims, weights, n * 4 + 4) == LF_ERROR_SIZE);
      CHECK(lf_set_tensor(model, name, LF_I32, slot->shape, slot->n_dims, weights, n * 4) == LF_ERROR_DTYPE);
      const float before = weights[n - 1];
      weights[n - 1] = NAN;
      CHECK(lf_set_tensor(model, name, LF_F32, slot->shape, slot->n_dims, weights, n * 4) == LF_ERROR_VALUE);
      weights[n - 1] = before;
      CHECK(lf_model_ready(model) == LF_ERROR_MISSING);
    }
    CHECK(lf_set_tensor(model, name, LF_F32, slot->shape, slot->n_dims, weights, n * 4) == LF_OK);
  }
  return model;
}

static lf_run *make_run(const lf_model *model, int32_t n) {
  const lf_config config = trunk_config();
  const uint64_t bytes = lf_workspace_bytes(&config, N_MAX, 1);
  lf_run *run = block(bytes);
  CHECK(lf_run_init(run, bytes, model, N_MAX, 1) == LF_OK);
  for (int32_t t = 0; t < n; t++) lf_run_ids(run)[t] = t * t % VOCAB;
  CHECK(lf_begin(run, n) == LF_OK);
  CHECK(lf_step(run, 1000) == LF_OK);
  return run;
}

static lf_head *make_head(const lf_head_config *config) {
  const int32_t weight_shape[] = {CLASSES, D};
  const int32_t word_shape[] = {WORDS, CLASSES};
  const int32_t ids[] = {0, 4, 9};
  lf_head *head = block(lf_head_bytes(config));
  CHECK(lf_head_init(head, lf_head_bytes(config), config) == LF_OK);
  CHECK(lf_head_set_tensor(head, "head.weight", LF_F32, weight_shape, 2, weights, sizeof(float) * CLASSES * D) ==
        LF_OK);
  CHECK(lf_head_set_tensor(head, "head.bias", LF_F32, weight_shape, 1, weights, sizeof(float) * CLASSES) == LF_OK);
  if (config->pooling == LF_POOLING_DIRECTIONS) {
    CHECK(lf_head_begin(head) == LF_ERROR_MISSING);
    CHECK(lf_head_set_tensor(head, "head.token_weight", LF_F32, weight_shape, 2, weights + 9,
                             sizeof(float) * CLASSES * D) == LF_OK);
  }
  if (config->words > 0) {
    CHECK(lf_head_begin(head) == LF_ERROR_MISSING);
    CHECK(lf_head_set_tensor(head, "words.ids", LF_I32, word_shape, 1, ids, sizeof ids) == LF_OK);
    CHECK(lf_head_set_tensor(head, "words.idf", LF_F32, word_shape, 1, weights + 4, sizeof(float) * WORDS) == LF_OK);
    CHECK(lf_head_set_tensor(head, "words.weight", LF_F32, word_shape, 2, weights, sizeof(float) * WORDS * CLASSES) ==
          LF_OK);
  }
  CHECK(lf_head_ready(head) == LF_OK && strcmp(lf_head_missing(head), "") == 0);
  return head;
}

static void configs(void) {
  lf_head_config config = head_config(LF_POOLING_MEAN, 0, 0);
  CHECK(lf_head_config_check(&config) == LF_OK && lf_head_bytes(&config) > 0);
  CHECK(lf_head_config_check(NULL) == LF_ERROR_CONFIG);
  const int32_t bad[] = {-1, INT32_MIN, INT32_MAX, (1 << 20) + 1};
  for (size_t field = 0; field < sizeof config / sizeof(int32_t); field++) {
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
      config = head_config(LF_POOLING_MEAN, 0, 0);
      memcpy((char *)&config + field * sizeof(int32_t), &bad[i], sizeof bad[i]);
      CHECK(lf_head_config_check(&config) == LF_ERROR_CONFIG);
      CHECK(lf_head_bytes(&config) == 0);
    }
  }
  const struct {
    int32_t pooling, window, words, ok;
  } cases[] = {{LF_POOLING_MEAN, 2, 0, 0},
               {LF_POOLING_WEIGHTED, 2, 0, 0},
               {LF_POOLING_WINDOW_MAX, 0, 0, 0},
               {LF_POOLING_WINDOW_MAX, 1, 0, 0},
               {LF_POOLING_WINDOW_MAX, 3, 0, 0},
               {LF_POOLING_WINDOW_MAX, 2, 0, 1},
               {LF_POOLING_WINDOW_MAX, 1 << 20, 0, 1},
               {LF_POOLING_DIRECTIONS, 0, 0, 1},
               {LF_POOLING_DIRECTIONS, 2, 0, 0},
               {LF_POOLING_DIRECTIONS + 1, 0, 0, 0},
               {LF_POOLING_MEAN, 0, VOCAB, 1},
               {LF_POOLING_MEAN, 0, VOCAB + 1, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    config = head_config(cases[i].pooling, cases[i].window, cases[i].words);
    CHECK((lf_head_config_check(&config) == LF_OK) == cases[i].ok);
  }
  config = (lf_head_config){.d_model = 4096, .vocab_size = 1 << 20, .n_classes = 4096, .words = 1 << 20};
  CHECK(lf_head_bytes(&config) > (uint64_t)1 << 33); /* sizes neither wrap nor trap */
  lf_config trunk = trunk_config();
  const struct {
    int32_t stem, importance, positions, ok;
  } parts[] = {{4097, 0, 0, 0}, {-1, 0, 0, 0}, {4096, 0, 0, 1}, {0, 2, 0, 0},
               {0, -1, 0, 0},   {0, 0, 3, 0},  {0, 0, 2, 1}};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    trunk.stem = parts[i].stem;
    trunk.importance = parts[i].importance;
    trunk.positions = parts[i].positions;
    CHECK((lf_config_check(&trunk) == LF_OK) == parts[i].ok);
  }
}

static void tensors(void) {
  const lf_head_config config = head_config(LF_POOLING_MEAN, 0, WORDS);
  const uint64_t bytes = lf_head_bytes(&config);
  char *memory = block(bytes + LF_ALIGN);
  lf_head *head = (lf_head *)(void *)memory;
  CHECK(lf_head_init(head, bytes - 1, &config) == LF_ERROR_MEMORY);
  CHECK(lf_head_init((lf_head *)(void *)(memory + 8), bytes, &config) == LF_ERROR_MEMORY);
  CHECK(lf_head_init(NULL, bytes, &config) == LF_ERROR_MEMORY);
  CHECK(lf_head_init(head, bytes, &config) == LF_OK);
  static const char *const order[] = {"head.weight", "head.bias", "words.ids", "words.idf", "words.weight"};
  const int32_t shapes[][2] = {{CLASSES, D}, {CLASSES, 0}, {WORDS, 0}, {WORDS, 0}, {WORDS, CLASSES}};
  const int32_t ids[][WORDS] = {{0, 0, 1}, {2, 1, 3}, {-1, 0, 1}, {0, 1, VOCAB}, {0, 1, VOCAB - 1}};
  CHECK(lf_head_set_tensor(head, "norm.weight", LF_F32, shapes[1], 1, values, 8) == LF_ERROR_NAME);
  CHECK(lf_head_set_tensor(NULL, "head.bias", LF_F32, shapes[1], 1, values, 8) == LF_ERROR_STATE);
  for (size_t i = 0; i < 5; i++) {
    const int32_t n_dims = shapes[i][1] > 0 ? 2 : 1;
    const uint64_t n = (uint64_t)shapes[i][0] * (uint64_t)(n_dims == 2 ? shapes[i][1] : 1);
    const int32_t wrong[] = {shapes[i][0] + 1, shapes[i][1]};
    const int is_ids = i == 2;
    const int32_t dtype = is_ids ? LF_I32 : LF_F32;
    const void *data = is_ids ? (const void *)ids[4] : values;
    CHECK(strcmp(lf_head_missing(head), order[i]) == 0 && lf_head_ready(head) == LF_ERROR_MISSING);
    CHECK(lf_head_set_tensor(head, order[i], is_ids ? LF_F32 : LF_I32, shapes[i], n_dims, data, n * 4) ==
          LF_ERROR_DTYPE);
    CHECK(lf_head_set_tensor(head, order[i], dtype, wrong, n_dims, data, (n + 1) * 4) == LF_ERROR_SHAPE);
    CHECK(lf_head_set_tensor(head, order[i], dtype, shapes[i], n_dims, data, n * 4 - 1) == LF_ERROR_SIZE);
    if (is_ids) {
      /* In pieces, the second goes on from the first. */
      const int32_t next[] = {5, 5, 6};
      CHECK(lf_head_set_tensor(head, order[i], dtype, shapes[i], 1, next, 4) == LF_MORE);
      CHECK(lf_head_set_tensor(head, order[i], dtype, shapes[i], 1, next + 1, 8) == LF_ERROR_TOKEN);
      CHECK(lf_head_ready(head) == LF_ERROR_MISSING);
      CHECK(lf_head_set_tensor(head, order[i], dtype, shapes[i], 1, (const int32_t[]){6, 7}, 8) == LF_OK);
      for (size_t j = 0; j < 4; j++) {
        CHECK(lf_head_set_tensor(head, order[i], dtype, shapes[i], 1, ids[j], n * 4) == LF_ERROR_TOKEN);
      }
    } else {
      float bad[CLASSES * D] = {0.0f};
      bad[n - 1] = INFINITY;
      CHECK(lf_head_set_tensor(head, order[i], dtype, shapes[i], n_dims, bad, n * 4) == LF_ERROR_VALUE);
    }
    CHECK(lf_head_set_tensor(head, order[i], dtype, shapes[i], n_dims, data, n * 4) == LF_OK);
  }
  CHECK(lf_head_ready(head) == LF_OK);
  free(memory);
}

static void states(const lf_model *model) {
  const lf_head_config config = head_config(LF_POOLING_WEIGHTED, 0, 0);
  lf_head *head = make_head(&config);
  lf_run *run = make_run(model, 100);
  CHECK(lf_head_read(head, run) == LF_ERROR_STATE);
  CHECK(lf_head_begin(head) == LF_OK);
  CHECK(lf_head_step(head, 1) == LF_ERROR_STATE);
  CHECK(lf_head_read(head, NULL) == LF_ERROR_STATE);
  CHECK(lf_head_read(head, run) == LF_OK);
  CHECK(lf_head_step(head, 0) == LF_ERROR_STATE);
  CHECK(lf_head_step(head, 1) == LF_MORE);
  const int32_t ids[] = {1, 2};
  CHECK(lf_head_contributions(head, ids, 0, 2) == LF_ERROR_STATE);
  CHECK(lf_head_step(head, 100) == LF_OK);
  CHECK(lf_head_step(head, 100) == LF_OK);
  CHECK(lf_head_terms(head, 99, 2) == NULL && lf_head_terms(head, -1, 2) == NULL && lf_head_terms(head, 0, 0) == NULL);
  CHECK(lf_head_terms(head, 0, LF_TILE + 1) == NULL && lf_head_terms(head, 98, 2) != NULL);
  CHECK(lf_head_contributions(head, ids, 99, 2) == LF_ERROR_LENGTH);
  CHECK(lf_head_contributions(head, ids, 0, LF_TILE + 1) == LF_ERROR_LENGTH);
  CHECK(lf_head_contributions(head, &(int32_t){VOCAB}, 0, 1) == LF_ERROR_TOKEN);
  CHECK(lf_head_contributions(head, ids, 98, 2) == LF_OK);

  /* A run that goes on takes its tokens with it. */
  CHECK(lf_head_begin(head) == LF_OK && lf_head_read(head, run) == LF_OK);
  CHECK(lf_begin(run, 10) == LF_OK);
  CHECK(lf_head_step(head, 1) == LF_ERROR_STATE && lf_head_terms(head, 0, 1) == NULL);
  CHECK(lf_head_read(head, run) == LF_ERROR_STATE);
  CHECK(lf_step(run, 100) == LF_OK);
  CHECK(lf_head_step(head, 1) == LF_ERROR_STATE);
  CHECK(lf_head_read(head, run) == LF_OK && lf_head_step(head, 1) == LF_OK);

  /* A head of another trunk. */
  lf_head_config other = head_config(LF_POOLING_MEAN, 0, 0);
  other.vocab_size = VOCAB + 1;
  lf_head *stranger = make_head(&other);
  CHECK(lf_head_begin(stranger) == LF_OK && lf_head_read(stranger, run) == LF_ERROR_CONFIG);
  free(stranger);
  free(run);
  free(head);
}

/* One document in one part or in two: the same result, and contributions that add up to it. */
static void parts(const lf_model *model, const lf_head_config *config) {
  enum { FIRST = 96 };
  lf_head *head = make_head(config);
  lf_run *run = make_run(model, FIRST);
  float logits[CLASSES];
  double sums[CLASSES] = {0.0};
  CHECK(lf_head_begin(head) == LF_OK);
  for (int part = 0; part < 2; part++) CHECK(lf_head_read(head, run) == LF_OK && lf_head_step(head, 100) == LF_OK);
  memcpy(logits, lf_head_logits(head), sizeof logits);
  for (int32_t first = 0; first < 2 * FIRST; first += LF_TILE) {
    int32_t ids[LF_TILE];
    const float *terms = lf_head_terms(head, first % FIRST, LF_TILE);
    for (int32_t t = 0; t < LF_TILE; t++) ids[t] = (first % FIRST + t) * (first % FIRST + t) % VOCAB;
    CHECK(terms != NULL && lf_head_contributions(head, ids, first, LF_TILE) == LF_OK);
    for (size_t i = 0; terms != NULL && i < LF_TILE * CLASSES; i++) sums[i % CLASSES] += (double)terms[i] / (2 * FIRST);
  }
  for (size_t c = 0; c < CLASSES; c++) CHECK(fabs((double)weights[c] + sums[c] - (double)logits[c]) < 1e-6);
  if (config->words == 0) { /* twice the same is the same; only counts of words grow */
    CHECK(lf_head_begin(head) == LF_OK && lf_head_read(head, run) == LF_OK && lf_head_step(head, 100) == LF_OK);
    for (size_t c = 0; c < CLASSES; c++) CHECK(fabsf(lf_head_logits(head)[c] - logits[c]) < 1e-6f);
  }
  free(run);
  free(head);
}

/* Windows of every length: where they may lie. */
static void windows(const lf_model *model) {
  for (int32_t window = 2; window <= 130; window += 16) {
    const lf_head_config config = head_config(LF_POOLING_WINDOW_MAX, window, 0);
    lf_head *head = make_head(&config);
    for (int32_t n = 1; n <= N_MAX; n += 17) {
      lf_run *run = make_run(model, n);
      CHECK(lf_head_begin(head) == LF_OK && lf_head_read(head, run) == LF_OK && lf_head_step(head, 100) == LF_OK);
      for (size_t c = 0; c < CLASSES; c++) {
        const int32_t start = lf_head_evidence(head)[2 * c];
        const int32_t end = lf_head_evidence(head)[2 * c + 1];
        CHECK(start % (window / 2) == 0 && start >= 0 && end == (start + window < n ? start + window : n));
        CHECK(start == 0 || start + window / 2 < n);
      }
      free(run);
    }
    free(head);
  }
}

/* Logits that overflow are an error. */
static void overflow(lf_model *model) {
  const int32_t shape[] = {CLASSES, D};
  const float large[D] = {100.0f, 100.0f, 100.0f, 100.0f, 100.0f, 100.0f, 100.0f, 100.0f};
  CHECK(lf_set_tensor(model, "norm.bias", LF_F32, shape + 1, 1, large, sizeof large) == LF_OK);
  for (int32_t pooling = 0; pooling <= LF_POOLING_DIRECTIONS; pooling++) {
    const lf_head_config config = head_config(pooling, pooling == LF_POOLING_WINDOW_MAX ? 10 : 0, 0);
    lf_head *head = make_head(&config);
    float huge[CLASSES * D];
    for (size_t i = 0; i < sizeof huge / sizeof huge[0]; i++) huge[i] = 3e38f;
    CHECK(lf_head_set_tensor(head, "head.weight", LF_F32, shape, 2, huge, sizeof huge) == LF_OK);
    lf_run *run = make_run(model, 60);
    CHECK(lf_head_begin(head) == LF_OK && lf_head_read(head, run) == LF_OK);
    CHECK(lf_head_step(head, 100) == LF_ERROR_VALUE && lf_head_step(head, 100) == LF_ERROR_VALUE);
    CHECK(lf_head_contributions(head, &(int32_t){0}, 0, 1) == LF_ERROR_STATE);
    free(run);
    free(head);
  }
}

int main(void) {
  lf_model *model = make_trunk();
  configs();
  tensors();
  states(model);
  for (int32_t pooling = 0; pooling <= LF_POOLING_DIRECTIONS; pooling++) {
    for (int32_t words = 0; words <= WORDS; words += WORDS) {
      const lf_head_config config = head_config(pooling, pooling == LF_POOLING_WINDOW_MAX ? 10 : 0, words);
      parts(model, &config);
    }
  }
  windows(model);
  overflow(model);
  free(model);
  return summary();
}
