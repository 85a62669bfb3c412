/* cases.h - computations with fixed inputs whose outputs are compared between builds: native scalar, and WebAssembly
 * scalar, simd128 and relaxed */
#ifndef LF_TESTS_CASES_H
#define LF_TESTS_CASES_H

#include <stdint.h>

#include "linformer.h"

/* Single kernels over odd sizes. `out` has room for KERNEL_CASE_FLOATS. Returns how many floats it wrote. */
enum { KERNEL_CASE_FLOATS = 1 << 16 };
int32_t kernel_case_count(void);
const char *kernel_case_name(int32_t index);
int32_t kernel_case_run(int32_t index, float *out);

/* A whole model with random weights over one document. `out` has room for ENGINE_CASE_FLOATS and receives x, the
 * contributions and the logits. Returns how many floats it wrote, or a negative lf_status. Case i has shape
 * i % ENGINE_CASE_SHAPES, of which the last one is long enough for several chunks of tiles. */
enum { ENGINE_CASE_FLOATS = 1 << 18, ENGINE_CASE_SHAPES = 6 };
int32_t engine_case_count(void);
const char *engine_case_name(int32_t index);
int32_t engine_case_run(int32_t index, float *out);

/* Its config. The first half of the cases is in float32, the other half the same in int8. */
lf_config engine_case_config(int32_t index);
lf_head_config engine_case_head(int32_t index);

#endif
