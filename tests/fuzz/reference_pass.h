/* reference_pass.h - what the files of the reference share: one forward pass, and the steps that have files of their own. Documented where
 * they are defined. */
#ifndef LF_TESTS_REFERENCE_PASS_H
#define LF_TESTS_REFERENCE_PASS_H

#include "reference.h"

/* Keys that the engine takes at once. */
enum { KEY_BLOCK = 128 };

typedef struct pass {
  const reference_model *model;
  double noise;
  uint64_t random;
  int close; /* to another quantised value: see reference_forward */
} pass;

/* The arrays of a pass, in `work`. */
typedef struct rooms {
  double *x, *h, *q, *ctx, *p, *keys, *values, *ff, *scores, *tokens, *importance;
} rooms;

/* A value as it is stored: itself, or off by up to `noise` of itself. */
static inline double stored(pass *p, double value) {
  if (p->noise == 0.0) return value;
  p->random = p->random * 6364136223846793005u + 1442695040888963407u;
  return value * (1.0 + p->noise * ((double)(p->random >> 11) * 0x1p-52 - 1.0));
}

/* reference_tensors.c */
int32_t reference_largest_k(const lf_config *config);
const reference_tensor *reference_tensor_of(const pass *p, int32_t layer, const char *name);
const float *reference_values_of(const pass *p, int32_t layer, const char *name);

/* reference_int8.c */
void reference_round_row(pass *p, double *out, const double *in, size_t n);
void reference_round_output(pass *p, double *values, size_t stride, size_t n);
double reference_coarse_exp(pass *p, double x);
void reference_round_numerators(pass *p, double *scores, double top, size_t n);
float reference_quantise_weight(float *quantised, const reference_tensor *weight, size_t row, size_t n);
void reference_project_int8(pass *p, double *out, const double *h, const reference_tensor *E, size_t first_row,
                            size_t k, size_t n);

/* reference_head.c */
double reference_pool(pass *p, const rooms *r, double *pooled, const int32_t *ids, int32_t n);
int32_t reference_word_of(const pass *p, const int32_t *ids, int32_t n, int32_t t, double *share);
double reference_pool_class(pass *p, reference_result *out, const double *importance, double total, const int32_t *ids,
                            int32_t n, size_t c);

#endif
