/* test_threads.c - the same bits for any number of threads, and no race: run under the thread sanitizer too
 *
 * Runs are also begun anew before they have ended, and stopped in their midst, which is when threads are most likely to
 * meet where they should not. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "head.h"
#include "linformer.h"
#include "random.h"
#include "run.h"

enum { N = 800, D = 4, CLASSES = 2, THREADS = 3 };

/* Every other model has a stem and importance; from kind 8 on, p can have as many rows as the document has tokens. */
static lf_config config_of(int32_t kind) {
  const int large = kind >= 8;
  return (lf_config){.vocab_size = 20,
                     .n_max = N,
                     .d_model = D,
                     .n_layers = 3,
                     .n_heads = 2,
                     .d_ff = 12,
                     .attention = kind == 7,
                     .sharing = LF_SHARING_HEADWISE,
                     .projection = large ? 1 + kind % 3 : kind % 4,
                     .precision = large ? (kind - 8) / 3 : kind / 4,
                     .stem = kind % 2 * 5,
                     .importance = kind % 2,
                     .k = {large ? N : 10, large ? N / 2 : 5, large ? N : 4}};
}

static void *allocate(uint64_t bytes) {
  void *block = aligned_alloc(LF_ALIGN, (size_t)((bytes + LF_ALIGN - 1) / LF_ALIGN * LF_ALIGN));
  if (block == NULL) abort();
  memset(block, 0xff, (size_t)bytes);
  return block;
}

static lf_model *make_model(const lf_config *config) {
  static float values[N * 16];
  uint32_t state = 4711;
  lf_model *model = allocate(lf_model_bytes(config));
  CHECK(lf_model_init(model, lf_model_bytes(config), config) == LF_OK);
  for (const char *name = lf_model_missing(model); *name != '\0'; name = lf_model_missing(model)) {
    const lf_slot *slot = lf_slots_missing(&model->slots);
    uint64_t n = 1;
    for (int32_t i = 0; i < slot->n_dims; i++) n *= (uint64_t)slot->shape[i];
    if (n > sizeof values / sizeof values[0]) abort();
    random_fill(values, (size_t)n, &state, 0.5f);
    CHECK(lf_set_tensor(model, name, LF_F32, slot->shape, slot->n_dims, values, n * sizeof *values) == LF_OK);
  }
  return model;
}

/* Heads of every pooling, one of them of windows of `w` tokens; with a word head each. */
static lf_head *make_head(const lf_config *config, int32_t pooling) {
  static float values[CLASSES * 20];
  const lf_head_config head_config = {.d_model = D,
                                      .vocab_size = config->vocab_size,
                                      .n_classes = CLASSES,
                                      .pooling = pooling,
                                      .window = pooling == LF_POOLING_WINDOW_MAX ? 100 : 0,
                                      .words = 3};
  const int32_t ids[] = {1, 7, 19};
  const int32_t weight_shape[] = {CLASSES, D};
  const int32_t word_shape[] = {3, CLASSES};
  uint32_t state = 815;
  lf_head *head = allocate(lf_head_bytes(&head_config));
  CHECK(lf_head_init(head, lf_head_bytes(&head_config), &head_config) == LF_OK);
  random_fill(values, sizeof values / sizeof values[0], &state, 0.5f);
  CHECK(lf_head_set_tensor(head, "head.weight", LF_F32, weight_shape, 2, values, sizeof(float) * CLASSES * D) == LF_OK);
  CHECK(lf_head_set_tensor(head, "head.bias", LF_F32, weight_shape, 1, values, sizeof(float) * CLASSES) == LF_OK);
  if (pooling == LF_POOLING_DIRECTIONS) {
    CHECK(lf_head_set_tensor(head, "head.token_weight", LF_F32, weight_shape, 2, values, sizeof(float) * CLASSES * D) ==
          LF_OK);
  }
  CHECK(lf_head_set_tensor(head, "words.ids", LF_I32, word_shape, 1, ids, sizeof ids) == LF_OK);
  CHECK(lf_head_set_tensor(head, "words.idf", LF_F32, word_shape, 1, values, sizeof(float) * 3) == LF_OK);
  CHECK(lf_head_set_tensor(head, "words.weight", LF_F32, word_shape, 2, values, sizeof(float) * 3 * CLASSES) == LF_OK);
  return head;
}

typedef struct helper {
  lf_run *run;
  int32_t thread;
  pthread_t id;
} helper;

static void *serve(void *argument) {
  const helper *h = argument;
  lf_serve(h->run, h->thread);
  return NULL;
}

typedef struct outcome {
  float x[N * 8];
  float pooled[D];
  float logits[4 * CLASSES];
  float contributions[4 * N * CLASSES];
} outcome;

/* What heads say of the run, one after another. */
static void read_by_heads(outcome *out, lf_run *run, int32_t n) {
  const int32_t *ids = run->ids;
  for (int32_t pooling = 0; pooling <= LF_POOLING_DIRECTIONS; pooling++) {
    if (pooling == LF_POOLING_WEIGHTED && !run->model->config.importance) continue;
    lf_head *head = make_head(&run->model->config, pooling);
    CHECK(lf_head_begin(head) == LF_OK);
    CHECK(lf_head_read(head, run) == LF_OK);
    while (lf_head_step(head, 2) == LF_MORE) {
    }
    memcpy(out->logits + (size_t)pooling * CLASSES, lf_head_logits(head), CLASSES * sizeof(float));
    for (int32_t first = 0; first < n; first += LF_TILE) {
      const int32_t rows = n - first < LF_TILE ? n - first : LF_TILE;
      const float *terms = lf_head_terms(head, first, rows);
      CHECK(terms != NULL && lf_head_contributions(head, ids + first, first, rows) == LF_OK);
      if (terms == NULL) continue;
      memcpy(out->contributions + (size_t)(pooling * N + first) * CLASSES, terms,
             (size_t)rows * CLASSES * sizeof(float));
    }
    free(head);
  }
}

static void read_document(lf_run *run, int32_t n, uint32_t seed) {
  int32_t *ids = lf_run_ids(run);
  while (ids == NULL) ids = lf_run_ids(run); /* a thread is in the midst of a tile */
  for (int32_t t = 0; t < n; t++) ids[t] = (int32_t)((seed + (uint32_t)t * 7919u) % 20u);
}

static lf_status finish(lf_run *run) {
  lf_status status = LF_MORE;
  while (status == LF_MORE) status = lf_step(run, 3);
  return status;
}

/* One document on n_threads threads, after several that were left behind at different points. */
static void run_threads(outcome *out, const lf_model *model, int32_t n, int32_t n_threads) {
  const uint64_t bytes = lf_workspace_bytes(&model->config, N, n_threads);
  lf_run *run = allocate(bytes);
  CHECK(lf_run_init(run, bytes, model, N, n_threads) == LF_OK);
  helper helpers[THREADS];
  for (int32_t i = 1; i < n_threads; i++) {
    helpers[i] = (helper){.run = run, .thread = i};
    CHECK(pthread_create(&helpers[i].id, NULL, serve, &helpers[i]) == 0);
  }
  for (int32_t abandoned = 0; abandoned < 4; abandoned++) {
    read_document(run, N - 111 * abandoned, (uint32_t)abandoned);
    CHECK(lf_begin(run, N - 111 * abandoned) == LF_OK);
    for (int32_t steps = 0; steps < abandoned; steps++) CHECK(lf_step(run, 2) >= LF_OK);
  }
  read_document(run, n, 5);
  CHECK(lf_begin(run, N + 1) == LF_ERROR_LENGTH);
  CHECK(lf_step(run, 1) == LF_ERROR_STATE);
  CHECK(lf_begin(run, n) == LF_OK);
  CHECK(finish(run) == LF_OK);
  CHECK(lf_run_done(run) == lf_run_total(run));
  memset(out, 0, sizeof *out);
  CHECK(lf_run_stride(run) == 8);
  memcpy(out->x, lf_run_x(run), (size_t)n * 8 * sizeof(float));
  memcpy(out->pooled, lf_run_pooled(run), sizeof out->pooled);
  read_by_heads(out, run, n);

  if (n_threads > 2) { /* stopped in the middle of the next one */
    read_document(run, n, 6);
    CHECK(lf_begin(run, n) == LF_OK);
    CHECK(lf_step(run, 1) >= LF_OK);
  }
  lf_run_stop(run);
  for (int32_t i = 1; i < n_threads; i++) CHECK(pthread_join(helpers[i].id, NULL) == 0);
  CHECK(lf_step(run, 1) == LF_ERROR_STATE);
  CHECK(lf_begin(run, n) == LF_ERROR_STATE);
  free(run);
}

/* A thread that never comes back from its tile, as when a host ends it: whoever is called says so and does not hang. */
static void lost_thread(const lf_model *model) {
  const uint64_t bytes = lf_workspace_bytes(&model->config, N, 2);
  lf_run *run = allocate(bytes);
  CHECK(lf_run_init(run, bytes, model, N, 2) == LF_OK);
  read_document(run, N, 1);
  CHECK(lf_begin(run, N) == LF_OK);
  atomic_fetch_add(&run->active, 1); /* it has taken the first chunk, as lf_serve would, */
  const int32_t chunk = atomic_fetch_add(&run->next_chunk, 1);
  CHECK(chunk == 0);
  lf_status status = LF_MORE;
  for (int i = 0; i < 100; i++) status = lf_step(run, 3);
  CHECK(status == LF_MORE && lf_run_done(run) < lf_run_total(run));
  for (int i = 0; i < 3; i++) {
    CHECK(lf_run_ids(run) == NULL);
    CHECK(lf_begin(run, N) == LF_ERROR_STATE);
    CHECK(lf_step(run, 1) == LF_ERROR_STATE);
  }
  atomic_fetch_sub(&run->active, 1); /* and lets go of it after all */
  read_document(run, N, 1);
  CHECK(lf_begin(run, N) == LF_OK);
  CHECK(finish(run) == LF_OK);
  CHECK(lf_begin(run, N) == LF_OK);
  atomic_fetch_add(&run->active, 1);
  lf_run_stop(run);
  CHECK(lf_run_ids(run) == NULL);
  CHECK(lf_begin(run, N) == LF_ERROR_STATE);
  free(run);
}

/* However many rows p has, no step works through more of them than a few tiles are worth. */
static void small_steps(const lf_model *model) {
  const uint64_t bytes = lf_workspace_bytes(&model->config, N, 1);
  lf_run *run = allocate(bytes);
  CHECK(lf_run_init(run, bytes, model, N, 1) == LF_OK);
  read_document(run, N, 1);
  CHECK(lf_begin(run, N) == LF_OK);
  int32_t steps = 0;
  lf_status status = LF_MORE;
  for (; status == LF_MORE; steps++) status = lf_step(run, 1);
  CHECK(status == LF_OK);
  int32_t least = lf_run_total(run);
  for (int32_t layer = 0; layer < model->config.n_layers; layer++) least += model->config.k[layer] / LF_TILE - 5;
  CHECK(steps >= least);
  free(run);
}

int main(void) {
  static outcome one;
  static outcome many;
  for (int32_t kind = 0; kind < 14; kind++) {
    const lf_config config = config_of(kind);
    lf_model *model = make_model(&config);
    const int32_t lengths[] = {1, N};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
      const int32_t n = lengths[i];
      run_threads(&one, model, n, 1);
      for (int32_t n_threads = 2; n_threads <= THREADS; n_threads++) {
        run_threads(&many, model, n, n_threads);
        CHECK(memcmp(&one, &many, sizeof one) == 0);
      }
    }
    lost_thread(model);
    if (kind >= 8) small_steps(model);
    free(model);
  }
  return summary();
}
