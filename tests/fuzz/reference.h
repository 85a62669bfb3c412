/* reference.h - the forward pass once more, in double precision and plainly: whole matrices, one loop for each formula,
 * nothing shared with src/ but the public header. What the engine is compared with where PyTorch is not at hand. */
#ifndef LF_TESTS_REFERENCE_H
#define LF_TESTS_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include "linformer.h"

enum { REFERENCE_NAME = 48, REFERENCE_TENSORS = 16 + 18 * LF_MAX_LAYERS };

/* A tensor of the model, with the values that its stored bytes stand for; one of I8 also with its quantised values and the scales of
 * its rows, which are the weights where the model multiplies in 8 bits. */
typedef struct reference_tensor {
  char name[REFERENCE_NAME];
  int32_t shape[LF_MAX_DIMS];
  int32_t n_dims;
  float *values;
  const int8_t *quantised; /* NULL: it is not of I8 */
  const float *scales;
} reference_tensor;

typedef struct reference_model {
  lf_config config;
  lf_head_config head;
  reference_tensor tensors[REFERENCE_TENSORS];
  int n_tensors;
} reference_model;

size_t reference_size(const reference_tensor *tensor);

/* Lists the tensors of a trunk of this shape and then those of the head, as linformer.h has them; their values are not set.
 * Without a head it may be NULL. */
void reference_list(reference_model *model, const lf_config *config, const lf_head_config *head);

/* What comes out. */
typedef struct reference_result {
  double *contributions; /* [n, n_classes] */
  double *logits;        /* [n_classes] */
  double *pooled;        /* [d_model] */
  /* [n_classes][2] in: with windows, those that contributions are of, since rounding may choose another of two that are
   * nearly as large. NULL: the reference's own choice. */
  const int32_t *evidence;
} reference_result;

/* The result for n token ids. Every number that is stored on the way is
 * multiplied by 1 + noise * r, r pseudo-random in [-1, 1): with a noise of 0 the exact result, with 2^-24 one that
 * shows how much rounding can do to this very model; `seed` chooses the r. `work` has reference_doubles(config, n) numbers.
 *
 * With LF_PRECISION_INT8, weights and activations are quantised as kernels.h has it. Returns 1 if one of the activations
 * lies so close to the middle between two quantised values that single precision may choose the other one, else 0. */
size_t reference_doubles(const lf_config *config, int32_t n);
int reference_forward(reference_result *out, const reference_model *model, const int32_t *ids, int32_t n, double noise,
                      uint64_t seed, double *work);

#endif
