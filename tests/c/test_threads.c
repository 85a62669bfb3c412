/* test_threads.c - the same bits for any number of threads, and no race: run under the thread sanitizer too
 *
 * Runs are also begun anew before they have ended, and stopped in their midst, which is when threads are most likely to
 * meet where they should not. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "linformer.h"
#include "random.h"
#include "run.h"

enum { N = 800, D = 4, CLASSES = 2, THREADS = 3 };

static lf_config config_of(int32_t attention, int32_t projection, int32_t precision) {
  return (lf_config){.vocab_size = 20,
                     .n_max = N,
                     .d_model = D,
                     .n_layers = 3,
                     .n_heads = 2,
                     .d_ff = 12,
                     .n_classes = CLASSES,
                     .attention = attention,
                     .sharing = LF_SHARING_HEADWISE,
                     .projection = projection,
                     .precision = precision,
                     .k = {10, 5, 4}};
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
    const lf_slot *slot = NULL;
    for (int32_t i = 0; i < model->n_slots && slot == NULL; i++) {
      if (strcmp(model->slots[i].name, name) == 0) slot = &model->slots[i];
    }
    uint64_t n = 1;
    for (int32_t i = 0; slot != NULL && i < slot->n_dims; i++) n *= (uint64_t)slot->shape[i];
    if (slot == NULL || n > sizeof values / sizeof values[0]) abort();
    random_fill(values, (size_t)n, &state, 0.5f);
    CHECK(lf_set_tensor(model, name, LF_F32, slot->shape, slot->n_dims, values, n * sizeof *values) == LF_OK);
  }
  return model;
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
  float logits[CLASSES];
  float contributions[N * CLASSES];
} outcome;

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
  memcpy(out->logits, lf_run_logits(run), sizeof out->logits);
  memcpy(out->contributions, lf_run_contributions(run), (size_t)n * CLASSES * sizeof(float));

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

int main(void) {
  static outcome one;
  static outcome many;
  for (int32_t kind = 0; kind < 8; kind++) {
    const lf_config config = config_of(kind == 7, kind % 4, kind / 4);
    lf_model *model = make_model(&config);
    const int32_t lengths[] = {1, N};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
      const int32_t n = lengths[i];
      run_threads(&one, model, n, 1);
      for (int32_t n_threads = 2; n_threads <= THREADS; n_threads++) {
        run_threads(&many, model, n, n_threads);
        CHECK(memcmp(one.logits, many.logits, sizeof one.logits) == 0);
        CHECK(memcmp(one.contributions, many.contributions, (size_t)n * CLASSES * sizeof(float)) == 0);
      }
    }
    lost_thread(model);
    free(model);
  }
  return summary();
}
