/* engine_run.c - see engine_run.h */
#include "engine_run.h"

#include "fuzz.h"

enum { MODEL_BYTES = 1 << 19, RUN_BYTES = 1 << 20, HEAD_BYTES = 1 << 15 };

static _Alignas(64) uint8_t model_memory[MODEL_BYTES];
static _Alignas(64) uint8_t run_memory[RUN_BYTES];
static _Alignas(64) uint8_t head_memory[HEAD_BYTES];
static fuzz_block head_block = {.base = head_memory, .capacity = HEAD_BYTES};
static fuzz_block model_block = {.base = model_memory, .capacity = MODEL_BYTES};
static fuzz_block run_block = {.base = run_memory, .capacity = RUN_BYTES};

static lf_status set(lf_model *model, lf_head *head, const engine_tensor *tensor, int is_scale) {
  char name[80];
  (void)snprintf(name, sizeof name, "%s%s", tensor->name, is_scale ? ".scale" : "");
  const int of_head = strncmp(name, "head.", 5) == 0 || strncmp(name, "words.", 6) == 0;
  const int32_t dtype = is_scale ? LF_F32 : tensor->dtype;
  const int32_t n_dims = tensor->n_dims - is_scale;
  const void *data = is_scale ? (const void *)tensor->scales : tensor->bytes;
  const uint64_t size = is_scale ? tensor->rows * sizeof(float) : tensor->size;
  return of_head ? lf_head_set_tensor(head, name, dtype, tensor->shape, n_dims, data, size)
                 : lf_set_tensor(model, name, dtype, tensor->shape, n_dims, data, size);
}

static void set_tensors(lf_model *model, lf_head *head, const engine_input *input) {
  for (int i = 0; i < input->n_tensors; i++) {
    const engine_tensor *tensor = &input->tensors[i];
    if (tensor->scales != NULL) {
      EXPECT(set(model, head, tensor, 0) == LF_ERROR_SCALE);
      EXPECT(set(model, head, tensor, 1) == LF_OK);
    }
    EXPECT(lf_model_ready(model) == LF_ERROR_MISSING || lf_head_ready(head) == LF_ERROR_MISSING);
    EXPECT(set(model, head, tensor, 0) == LF_OK);
  }
  EXPECT(lf_model_ready(model) == LF_OK && lf_head_ready(head) == LF_OK);
}

/* Logits, evidence and contributions. */
static lf_status read_by_head(engine_result *out, lf_head *head, const lf_run *run, const engine_input *input) {
  const size_t n_classes = (size_t)input->head.n_classes;
  EXPECT(lf_head_begin(head) == LF_OK);
  EXPECT(lf_head_step(head, 1) == LF_ERROR_STATE);
  EXPECT(lf_head_read(head, run) == LF_OK);
  lf_status status = LF_MORE;
  for (int32_t steps = 0; status == LF_MORE; steps++) {
    EXPECT(steps <= input->n);
    EXPECT(lf_head_contributions(head, input->ids, 0, 1) == LF_ERROR_STATE);
    status = lf_head_step(head, input->max_tiles);
  }
  EXPECT(status == LF_OK || status == LF_ERROR_VALUE);
  EXPECT(lf_head_step(head, 1) == status);
  memcpy(out->logits, lf_head_logits(head), n_classes * sizeof(float));
  memcpy(out->evidence, lf_head_evidence(head), 2 * n_classes * sizeof(int32_t));
  if (status != LF_OK) return status;
  EXPECT(lf_head_terms(head, input->n, 1) == NULL);
  EXPECT(lf_head_contributions(head, input->ids, input->n, 1) == LF_ERROR_LENGTH);
  for (int32_t first = 0; first < input->n; first += LF_TILE) {
    const int32_t rows = input->n - first < LF_TILE ? input->n - first : LF_TILE;
    const float *terms = lf_head_terms(head, first, rows);
    EXPECT(terms != NULL && lf_head_contributions(head, input->ids + first, first, rows) == LF_OK);
    memcpy(out->contributions + (size_t)first * n_classes, terms, (size_t)rows * n_classes * sizeof(float));
  }
  return LF_OK;
}

lf_status engine_run(engine_result *out, const engine_input *input) {
  const lf_config *config = &input->config;
  lf_model *model = cut(&model_block, lf_model_bytes(config));
  lf_run *run = cut(&run_block, lf_workspace_bytes(config, input->n_cap, input->n_threads));
  lf_head *head = cut(&head_block, lf_head_bytes(&input->head));
  EXPECT(model != NULL && run != NULL && head != NULL);
  memset(out, 0, sizeof *out);
  memset(model, 0xff, model_block.bytes); /* NaN wherever nothing is written */
  memset(run, 0xff, run_block.bytes);
  memset(head, 0xff, head_block.bytes);
  EXPECT(lf_model_init(model, model_block.bytes, config) == LF_OK);
  EXPECT(lf_head_init(head, head_block.bytes, &input->head) == LF_OK);
  EXPECT(lf_run_init(run, run_block.bytes, model, input->n_cap, input->n_threads) == LF_ERROR_MISSING);
  EXPECT(lf_head_begin(head) == LF_ERROR_MISSING);
  set_tensors(model, head, input);
  EXPECT(lf_run_init(run, run_block.bytes, model, input->n_cap, input->n_threads) == LF_OK);
  EXPECT(lf_step(run, 1) == LF_ERROR_STATE);
  EXPECT(lf_head_read(head, run) == LF_ERROR_STATE);

  memcpy(lf_run_ids(run), input->ids, (size_t)input->n * sizeof *input->ids);
  EXPECT(lf_begin(run, input->n) == LF_OK);
  lf_status status = LF_MORE;
  for (int32_t steps = 0; status == LF_MORE; steps++) {
    EXPECT(steps <= lf_run_total(run));
    status = lf_step(run, input->max_tiles);
  }
  EXPECT(status == LF_OK || status == LF_ERROR_VALUE);
  EXPECT(lf_run_done(run) == lf_run_total(run));
  memcpy(out->pooled, lf_run_pooled(run), (size_t)config->d_model * sizeof(float));
  return status == LF_OK ? read_by_head(out, head, run, input) : status;
}
