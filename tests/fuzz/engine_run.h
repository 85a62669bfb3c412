/* engine_run.h - one document through one small model, for fuzz_engine.c
 *
 * engine_run.c is compiled twice: for the engine with scalar kernels, and with every name of the engine renamed, for the
 * one with SIMD kernels. */
#ifndef LF_TESTS_ENGINE_RUN_H
#define LF_TESTS_ENGINE_RUN_H

#include "linformer.h"

enum { ENGINE_N = 100, ENGINE_CLASSES = 4, ENGINE_WIDTH = 12, ENGINE_TENSORS = 80 };

/* A tensor as a file has it. */
typedef struct engine_tensor {
  const char *name;
  const int32_t *shape;
  int32_t n_dims;
  int32_t dtype;
  const uint8_t *bytes;
  uint64_t size;       /* of `bytes` */
  const float *scales; /* [rows] of I8, else NULL */
  uint64_t rows;
} engine_tensor;

typedef struct engine_input {
  lf_config config;
  lf_head_config head;
  int n_tensors;
  engine_tensor tensors[ENGINE_TENSORS];
  int32_t ids[ENGINE_N];
  int32_t n, n_cap, n_threads, max_tiles;
} engine_input;

typedef struct engine_result {
  float contributions[ENGINE_N * ENGINE_CLASSES]; /* [n, n_classes] */
  float logits[ENGINE_CLASSES];
  float pooled[ENGINE_WIDTH];
  int32_t evidence[2 * ENGINE_CLASSES];
} engine_result;

/* LF_OK, or LF_ERROR_VALUE; what there is not by then is zero. Whatever else linformer.h promises on the way is expected, and
 * memory beyond the blocks is poisoned. */
lf_status engine_run(engine_result *out, const engine_input *input);
lf_status simd_engine_run(engine_result *out, const engine_input *input);

#endif
