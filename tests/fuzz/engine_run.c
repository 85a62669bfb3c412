/* engine_run.c - see engine_run.h */
#include "engine_run.h"

#include "fuzz.h"

enum { MODEL_BYTES = 1 << 19, RUN_BYTES = 1 << 20 };

static _Alignas(64) uint8_t model_memory[MODEL_BYTES];
static _Alignas(64) uint8_t run_memory[RUN_BYTES];
static fuzz_block model_block = {.base = model_memory, .capacity = MODEL_BYTES};
static fuzz_block run_block = {.base = run_memory, .capacity = RUN_BYTES};

static void set_tensor(lf_model *model, const engine_tensor *tensor) {
  if (tensor->scales != NULL) {
    char name[80];
    (void)snprintf(name, sizeof name, "%s.scale", tensor->name);
    EXPECT(lf_set_tensor(model, tensor->name, LF_I8, tensor->shape, tensor->n_dims, tensor->bytes, tensor->size) ==
           LF_ERROR_SCALE);
    EXPECT(lf_set_tensor(model, name, LF_F32, tensor->shape, tensor->n_dims - 1, tensor->scales,
                         tensor->rows * sizeof(float)) == LF_OK);
  }
  EXPECT(lf_model_ready(model) == LF_ERROR_MISSING);
  EXPECT(lf_set_tensor(model, tensor->name, tensor->dtype, tensor->shape, tensor->n_dims, tensor->bytes,
                       tensor->size) == LF_OK);
}

lf_status engine_run(float *out, const engine_input *input) {
  const lf_config *config = &input->config;
  lf_model *model = cut(&model_block, lf_model_bytes(config));
  lf_run *run = cut(&run_block, lf_workspace_bytes(config, input->n_cap, input->n_threads));
  EXPECT(model != NULL && run != NULL);
  memset(model, 0xff, model_block.bytes); /* NaN wherever nothing is written */
  memset(run, 0xff, run_block.bytes);
  EXPECT(lf_model_init(model, model_block.bytes, config) == LF_OK);
  EXPECT(lf_run_init(run, run_block.bytes, model, input->n_cap, input->n_threads) == LF_ERROR_MISSING);
  for (int i = 0; i < input->n_tensors; i++) set_tensor(model, &input->tensors[i]);
  EXPECT(lf_model_ready(model) == LF_OK);
  EXPECT(lf_run_init(run, run_block.bytes, model, input->n_cap, input->n_threads) == LF_OK);
  EXPECT(lf_step(run, 1) == LF_ERROR_STATE);

  memcpy(lf_run_ids(run), input->ids, (size_t)input->n * sizeof *input->ids);
  EXPECT(lf_begin(run, input->n) == LF_OK);
  lf_status status = LF_MORE;
  for (int32_t steps = 0; status == LF_MORE; steps++) {
    EXPECT(steps <= lf_run_total(run));
    status = lf_step(run, input->max_tiles);
  }
  EXPECT(status == LF_OK || status == LF_ERROR_VALUE);
  EXPECT(lf_run_done(run) == lf_run_total(run));
  const size_t count = (size_t)input->n * (size_t)config->n_classes;
  memcpy(out, lf_run_contributions(run), count * sizeof *out);
  memcpy(out + count, lf_run_logits(run), (size_t)config->n_classes * sizeof *out);
  return status;
}
