/* numerics.c - how far the engine in single precision is from the reference in double, as a table
 *
 * For models of usual and of unusual shape and weights, and for the shapes of tests/c/engine_cases.c: the largest difference of a contribution and of a logit, in units
 * of the largest contribution, and beside it what the reference says that rounding every stored number to single
 * precision may do to this model. Fails when a difference is beyond 2e-5 and 16 times that. `make numerics` runs it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../c/cases.h"
#include "../c/random.h"
#include "reference.h"

typedef enum weight_kind { USUAL, SHARP, CONSTANT_ROWS, DENORMAL, LARGE } weight_kind;

typedef struct numeric_case {
  const char *name;
  lf_config config;
  lf_head_config head;
  int32_t n;
  weight_kind weights;
} numeric_case;

static const lf_config small = {.vocab_size = 50,
                                .n_max = 240,
                                .d_model = 32,
                                .n_layers = 2,
                                .n_heads = 4,
                                .d_ff = 64,
                                .sharing = LF_SHARING_LAYERWISE,
                                .k = {24, 24}};

static uint32_t state;

static float uniform(float scale) { return random_float(&state, scale); }

static float value_of(const reference_tensor *tensor, weight_kind kind, size_t i) {
  if (strcmp(tensor->name, "words.ids") == 0) return (float)(2 * i);
  const int matrix = tensor->n_dims > 1;
  const int norm = strstr(tensor->name, "norm.weight") != NULL;
  const float fan_in = (float)tensor->shape[tensor->n_dims - 1];
  float usual = matrix ? uniform(sqrtf(3.0f / fan_in)) : uniform(0.1f);
  if (norm) usual = 1.0f + usual;
  const int embedding = strncmp(tensor->name, "embed.", 6) == 0;
  switch (kind) {
    case SHARP: return strstr(tensor->name, "query.weight") != NULL ? 100.0f * usual : usual;
    case CONSTANT_ROWS: return embedding ? (float)(i / (size_t)tensor->shape[1] % 7) - 3.0f : usual;
    case DENORMAL: return embedding ? uniform(1e-39f) : usual;
    case LARGE: return embedding ? 1e15f * usual : usual;
    default: return usual;
  }
}

static void *allocate(uint64_t bytes) {
  void *block = aligned_alloc(LF_ALIGN, (size_t)((bytes + LF_ALIGN - 1) / LF_ALIGN * LF_ALIGN));
  if (block == NULL) abort();
  return block;
}

/* A model and its head. */
typedef struct whole {
  lf_model *model;
  lf_head *head;
} whole;

static whole make_model(reference_model *model, const numeric_case *c) {
  const whole engine = {.model = allocate(lf_model_bytes(&c->config)), .head = allocate(lf_head_bytes(&c->head))};
  if (lf_model_init(engine.model, lf_model_bytes(&c->config), &c->config) != LF_OK) abort();
  if (lf_head_init(engine.head, lf_head_bytes(&c->head), &c->head) != LF_OK) abort();
  reference_list(model, &c->config, &c->head);
  for (int i = 0; i < model->n_tensors; i++) {
    reference_tensor *tensor = &model->tensors[i];
    const size_t size = reference_size(tensor);
    tensor->values = allocate(size * sizeof(float));
    for (size_t j = 0; j < size; j++) tensor->values[j] = value_of(tensor, c->weights, j);
    int32_t *ids = allocate(size * sizeof *ids);
    for (size_t j = 0; j < size; j++) ids[j] = (int32_t)tensor->values[j];
    const int is_ids = strcmp(tensor->name, "words.ids") == 0;
    const int of_head = strncmp(tensor->name, "head.", 5) == 0 || strncmp(tensor->name, "words.", 6) == 0;
    const uint64_t bytes = size * sizeof(float);
    const void *data = is_ids ? (const void *)ids : tensor->values;
    const int32_t dtype = is_ids ? LF_I32 : LF_F32;
    const lf_status status =
        of_head ? lf_head_set_tensor(engine.head, tensor->name, dtype, tensor->shape, tensor->n_dims, data, bytes)
                : lf_set_tensor(engine.model, tensor->name, dtype, tensor->shape, tensor->n_dims, data, bytes);
    free(ids);
    if (status != LF_OK) abort();
  }
  return engine;
}

/* Largest differences, in units of the largest contribution. */
typedef struct differences {
  double tokens, logits, rounding;
} differences;

static differences measure(const numeric_case *c) {
  static reference_model model;
  state = 2463534242u;
  const whole engine = make_model(&model, c);
  const uint64_t bytes = lf_workspace_bytes(&c->config, c->n, 1);
  lf_run *run = allocate(bytes);
  if (lf_run_init(run, bytes, engine.model, c->n, 1) != LF_OK) abort();
  int32_t *ids = allocate((uint64_t)c->n * sizeof *ids);
  for (int32_t t = 0; t < c->n; t++) ids[t] = (int32_t)((uint32_t)t * 7919u % (uint32_t)c->config.vocab_size);
  memcpy(lf_run_ids(run), ids, (size_t)c->n * sizeof *ids);
  lf_status status = lf_begin(run, c->n);
  while (status == LF_OK || status == LF_MORE) {
    status = lf_step(run, 16);
    if (status == LF_OK) break;
  }
  if (status != LF_OK || lf_head_begin(engine.head) != LF_OK || lf_head_read(engine.head, run) != LF_OK) abort();
  if (lf_head_step(engine.head, c->n + 1) != LF_OK) abort();

  const size_t n_classes = (size_t)c->head.n_classes;
  const size_t d = (size_t)c->config.d_model;
  const size_t count = (size_t)c->n * n_classes;
  double *exact = allocate((count + n_classes + d) * sizeof *exact);
  double *noisy = allocate((count + n_classes + d) * sizeof *noisy);
  double *work = allocate(reference_doubles(&c->config, c->n) * sizeof *work);
  const int32_t *evidence = c->head.window > 0 ? lf_head_evidence(engine.head) : NULL;
  reference_result result = {
      .contributions = exact, .logits = exact + count, .pooled = exact + count + n_classes, .evidence = evidence};
  reference_forward(&result, &model, ids, c->n, 0.0, 1, work);
  result = (reference_result){
      .contributions = noisy, .logits = noisy + count, .pooled = noisy + count + n_classes, .evidence = evidence};
  reference_forward(&result, &model, ids, c->n, 0x1p-24, 1, work);
  double scale = 1e-30;
  double tokens = 0.0;
  double logits = 0.0;
  double rounding = 0.0;
  const float *terms = NULL;
  for (size_t i = 0; i < count; i++) {
    scale = fmax(scale, fabs(exact[i]));
    if (i % (n_classes * LF_TILE) == 0) {
      const int32_t first = (int32_t)(i / n_classes);
      const int32_t rows = c->n - first < LF_TILE ? c->n - first : LF_TILE;
      terms = lf_head_terms(engine.head, first, rows);
      if (terms == NULL || lf_head_contributions(engine.head, ids + first, first, rows) != LF_OK) abort();
    }
    tokens = fmax(tokens, fabs((double)terms[i % (n_classes * LF_TILE)] - exact[i]));
    rounding = fmax(rounding, fabs(noisy[i] - exact[i]));
  }
  for (size_t i = 0; i < n_classes; i++)
    logits = fmax(logits, fabs((double)lf_head_logits(engine.head)[i] - exact[count + i]));
  for (int i = 0; i < model.n_tensors; i++) free(model.tensors[i].values);
  free(engine.model);
  free(engine.head);
  free(run);
  free(ids);
  free(exact);
  free(noisy);
  free(work);
  return (differences){.tokens = tokens / scale, .logits = logits / scale, .rounding = rounding / scale};
}

static int beyond(differences found) { return !(found.tokens <= 2e-5 + 16.0 * found.rounding); }

static void print_row(const char *name, int32_t n, differences found, int failed) {
  printf("| %-44s | %5d | %.1e | %.1e | %.1e |%s\n", name, n, found.tokens, found.logits, found.rounding,
         failed ? " beyond the bound" : "");
}

/* One row of the table. Returns 1 if the difference is beyond the bound. */
static int run_case(const numeric_case *c) {
  numeric_case with_head = *c;
  with_head.head = (lf_head_config){.d_model = c->config.d_model, .vocab_size = c->config.vocab_size, .n_classes = 3};
  const differences found = measure(&with_head);
  print_row(c->name, c->n, found, beyond(found));
  return beyond(found);
}

/* One row for every sharing mode with every projection, in every shape of tests/c/engine_cases.c: the worst of them. */
static int run_engine_cases(void) {
  differences worst = {0.0, 0.0, 0.0};
  int failures = 0;
  int32_t longest = 0;
  int n_cases = 0;
  for (int32_t i = 0; i < engine_case_count(); i++) {
    if (engine_case_config(i).precision == LF_PRECISION_INT8) continue;
    numeric_case c = {
        .name = engine_case_name(i), .config = engine_case_config(i), .head = engine_case_head(i), .weights = USUAL};
    n_cases++;
    c.head.word_dtype = LF_F32;
    c.config.token_dtype = c.config.position_dtype = c.config.projection_dtype = LF_F32;
    c.n = c.config.n_max;
    longest = c.n > longest ? c.n : longest;
    const differences found = measure(&c);
    if (beyond(found)) print_row(c.name, c.n, found, 1);
    failures += beyond(found);
    worst.tokens = fmax(worst.tokens, found.tokens);
    worst.logits = fmax(worst.logits, found.logits);
    worst.rounding = fmax(worst.rounding, found.rounding);
  }
  char name[64];
  (void)snprintf(name, sizeof name, "the worst of %d models of every kind", n_cases);
  print_row(name, longest, worst, 0);
  return failures;
}

static numeric_case with(const char *name, int32_t n, weight_kind weights) {
  return (numeric_case){.name = name, .config = small, .n = n, .weights = weights};
}

int main(int argc, char **argv) {
  const int all = argc > 1 && strcmp(argv[1], "all") == 0; /* the larger ones too: a minute */
  numeric_case cases[24];
  int n = 0;
  cases[n++] = with("usual", 200, USUAL);
  cases[n++] = with("one token", 1, USUAL);
  cases[n++] = with("fewer tokens than k", 5, USUAL);
  cases[n++] = with("n_max tokens", 240, USUAL);
  cases[n] = with("k = 1", 200, USUAL);
  cases[n].config.k[0] = cases[n].config.k[1] = 1;
  n++;
  cases[n] = with("k = n_max", 200, USUAL);
  cases[n].config.k[0] = cases[n].config.k[1] = 240;
  n++;
  cases[n] = with("mean projection", 200, USUAL);
  cases[n++].config.projection = LF_PROJECTION_MEAN;
  cases[n] = with("max projection", 200, USUAL);
  cases[n++].config.projection = LF_PROJECTION_MAX;
  cases[n] = with("convolution, no sharing", 200, USUAL);
  cases[n].config.projection = LF_PROJECTION_CONV;
  cases[n++].config.sharing = LF_SHARING_NONE;
  cases[n] = with("full attention", 200, USUAL);
  cases[n++].config.attention = LF_ATTENTION_FULL;
  cases[n] = with("sinusoidal positions", 240, USUAL);
  cases[n++].config.positions = LF_POSITIONS_SINUSOIDAL;
  cases[n] = with("32 layers", 64, USUAL);
  cases[n].config.n_layers = LF_MAX_LAYERS;
  for (int i = 0; i < LF_MAX_LAYERS; i++) cases[n].config.k[i] = 24;
  n++;
  cases[n++] = with("scores in the hundreds: softmax picks one", 200, SHARP);
  cases[n++] = with("rows of x that are constant", 200, CONSTANT_ROWS);
  cases[n++] = with("embeddings that are denormal numbers", 200, DENORMAL);
  cases[n++] = with("embeddings of 1e15", 200, LARGE);
  cases[n] = with("d_model 128, d_ff 512, k 64", 1024, USUAL);
  cases[n].config = (lf_config){.vocab_size = 1000,
                                .n_max = 4096,
                                .d_model = 128,
                                .n_layers = 2,
                                .n_heads = 4,
                                .d_ff = 512,
                                .sharing = LF_SHARING_LAYERWISE,
                                .k = {64, 64}};
  n++;
  if (all) {
    cases[n] = cases[n - 1];
    cases[n].n = 4096;
    n++;
    cases[n] = cases[n - 1];
    cases[n].name = "the same, 6 layers";
    cases[n].config.n_layers = 6;
    for (int i = 0; i < 6; i++) cases[n].config.k[i] = 64;
    n++;
  }
  printf("| %-44s |     n | contributions | logits | rounding alone |\n|---|---|---|---|---|\n", "model");
  int failures = 0;
  for (int i = 0; i < n; i++) failures += run_case(&cases[i]);
  failures += run_engine_cases();
  return failures != 0;
}
