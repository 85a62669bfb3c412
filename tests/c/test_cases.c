/* test_cases.c - prints a hash of the bits that every kernel and engine case gives, and whole models
 *
 *     test_cases [MODELS]
 *
 * tests/js/determinism.test.js compares these lines with the stored ones of tests/golden/hashes.txt, and so do other
 * hosts. Here each result is checked for being finite. MODELS is a file by tests/js/helpers/golden-models.js: the models
 * of tests/golden/model with their documents, as numbers of 32 bits that C reads without a parser. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "linformer.h"

static float results[ENGINE_CASE_FLOATS];

/* FNV-1a over the bytes of n floats. */
static uint32_t hash(const float *values, size_t n) {
  uint32_t sum = 2166136261u;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, values + i, sizeof bits);
    for (int shift = 0; shift < 32; shift += 8) sum = (sum ^ (bits >> shift & 0xffu)) * 16777619u;
  }
  return sum;
}

/* All `count` results are there and finite. */
static int sound(const char *what, int32_t count) {
  if (count <= 0) {
    printf("FAILED %s: status %d\n", what, count);
    return 0;
  }
  for (int32_t i = 0; i < count; i++) {
    if (!isfinite(results[i])) {
      printf("FAILED %s: value %d is not finite\n", what, i);
      return 0;
    }
  }
  return 1;
}

static int report(const char *kind, int32_t index, const char *name, int32_t count) {
  if (!sound(name, count)) return 1;
  printf("%s %d %08x %d %s\n", kind, index, hash(results, (size_t)count), count, name);
  return 0;
}

/* ---- models of a file ---- */

typedef struct reader {
  uint8_t *at, *end;
} reader;

static const void *take(reader *file, size_t bytes) {
  if ((size_t)(file->end - file->at) < bytes) {
    printf("FAILED the file of models ends too soon\n");
    exit(1);
  }
  file->at += bytes;
  return file->at - bytes;
}

static int32_t number(reader *file) { return *(const int32_t *)take(file, sizeof(int32_t)); }

static void *block(uint64_t bytes) {
  void *memory = aligned_alloc(LF_ALIGN, (size_t)((bytes + LF_ALIGN - 1) / LF_ALIGN * LF_ALIGN));
  if (memory == NULL) abort();
  return memory;
}

/* A model and its head. */
typedef struct whole {
  lf_model *model;
  lf_head *head;
  const lf_config *config;
  int32_t n_classes;
} whole;

/* Contributions of all tokens of a run that the head has read. */
static lf_status contributions_of(float *out, lf_head *head, const int32_t *ids, int32_t n, int32_t n_classes) {
  for (int32_t first = 0; first < n; first += LF_TILE) {
    const int32_t rows = n - first < LF_TILE ? n - first : LF_TILE;
    const float *terms = lf_head_terms(head, first, rows);
    if (terms == NULL) return LF_ERROR_STATE;
    const lf_status status = lf_head_contributions(head, ids + first, first, rows);
    if (status != LF_OK) return status;
    memcpy(out + (size_t)first * (size_t)n_classes, terms, (size_t)rows * (size_t)n_classes * sizeof *out);
  }
  return LF_OK;
}

/* Logits and contributions of one document, after the `count` results that are there. Returns how many there are now. */
static int32_t run_document(const whole *it, const int32_t *ids, int32_t n, int32_t count) {
  const uint64_t bytes = lf_workspace_bytes(it->config, n, 1);
  lf_run *run = block(bytes);
  lf_status status = lf_run_init(run, bytes, it->model, n, 1);
  if (status == LF_OK) {
    memcpy(lf_run_ids(run), ids, (size_t)n * sizeof *ids);
    status = lf_begin(run, n);
  }
  if (status == LF_OK) status = lf_step(run, lf_run_total(run));
  if (status == LF_OK) status = lf_head_begin(it->head);
  if (status == LF_OK) status = lf_head_read(it->head, run);
  if (status == LF_OK) status = lf_head_step(it->head, n + 1);
  const int32_t end = count + it->n_classes + n * it->n_classes;
  if (status == LF_OK && end <= ENGINE_CASE_FLOATS) {
    memcpy(results + count, lf_head_logits(it->head), (size_t)it->n_classes * sizeof *results);
    status = contributions_of(results + count + it->n_classes, it->head, ids, n, it->n_classes);
  }
  free(run);
  return status == LF_OK ? end : (int32_t)status;
}

/* The next model of the file, over each of its documents; one line. Returns 1 if something fails. */
static int run_model(reader *file) {
  const char *name = take(file, 64);
  const lf_config *config = take(file, sizeof *config);
  const lf_head_config *head_config = take(file, sizeof *head_config);
  const whole it = {.model = block(lf_model_bytes(config)),
                    .head = block(lf_head_bytes(head_config)),
                    .config = config,
                    .n_classes = head_config->n_classes};
  lf_status status = lf_model_init(it.model, lf_model_bytes(config), config);
  if (status == LF_OK) status = lf_head_init(it.head, lf_head_bytes(head_config), head_config);
  for (int32_t left = number(file); left > 0; left--) {
    const char *tensor = take(file, 64);
    const int32_t dtype = number(file);
    const int32_t n_dims = number(file);
    const int32_t *shape = take(file, LF_MAX_DIMS * sizeof *shape);
    const int32_t bytes = number(file);
    const void *data = take(file, ((size_t)bytes + 3) / 4 * 4);
    const int of_head = strncmp(tensor, "head.", 5) == 0 || strncmp(tensor, "words.", 6) == 0;
    if (status != LF_OK) continue;
    status = of_head ? lf_head_set_tensor(it.head, tensor, dtype, shape, n_dims, data, (uint64_t)bytes)
                     : lf_set_tensor(it.model, tensor, dtype, shape, n_dims, data, (uint64_t)bytes);
  }
  int32_t count = status == LF_OK ? 0 : (int32_t)status;
  for (int32_t left = number(file); left > 0; left--) {
    const int32_t n = number(file);
    const int32_t *ids = take(file, (size_t)n * sizeof *ids);
    if (count >= 0) count = run_document(&it, ids, n, count);
  }
  free(it.model);
  free(it.head);
  if (!sound(name, count)) return 1;
  printf("model %s %08x %d\n", name, hash(results, (size_t)count), count);
  return 0;
}

static int run_models(const char *path) {
  const size_t most = 1u << 26;
  uint8_t *bytes = block(most);
  size_t size = 0;
  FILE *stream = fopen(path, "rb");
  if (stream != NULL) {
    size = fread(bytes, 1, most, stream);
    (void)fclose(stream);
  }
  if (size == 0) printf("FAILED %s cannot be read\n", path);
  reader file = {.at = bytes, .end = bytes + size};
  int failures = size == 0;
  while (file.at < file.end) failures += run_model(&file);
  free(bytes);
  return failures;
}

int main(int argc, char **argv) {
  int failures = 0;
  for (int32_t i = 0; i < kernel_case_count(); i++) {
    failures += report("kernel", i, kernel_case_name(i), kernel_case_run(i, results));
  }
  for (int32_t i = 0; i < engine_case_count(); i++) {
    failures += report("engine", i, engine_case_name(i), engine_case_run(i, results));
  }
  if (argc > 1) failures += run_models(argv[1]);
  return failures != 0;
}
