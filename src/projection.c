/* projection.c - p = E h: n rows of the normalised stream become k, summed while each tile is in cache
 *
 * Wang et al. 2020, equation 7, with E applied to the input of the key and value maps, and section 4 for the sharing
 * of E between heads, keys and values, and layers. */
#include <float.h>

#include "run.h"

/* Mean and max have no weights, so heads, keys and values cannot differ. */
static int has_weights(const lf_config *config) {
  return config->projection == LF_PROJECTION_LINEAR || config->projection == LF_PROJECTION_CONV;
}

int32_t lf_key_matrices(const lf_config *config) {
  return config->sharing == LF_SHARING_NONE && has_weights(config) ? config->n_heads : 1;
}

int32_t lf_all_matrices(const lf_config *config) {
  const int separate = config->sharing == LF_SHARING_NONE || config->sharing == LF_SHARING_HEADWISE;
  return lf_key_matrices(config) * (separate && has_weights(config) ? 2 : 1);
}

int32_t lf_projected_rows(const lf_run *run, int32_t layer) {
  const lf_config *config = &run->model->config;
  if (config->projection == LF_PROJECTION_LINEAR) return config->k[layer];
  const int32_t segment = lf_segment(config, layer);
  return (run->n + segment - 1) / segment;
}

/* Matrix `m` of the layer's p, [k_max, ld]. */
static float *matrix_of(const lf_run *run, int32_t m) { return run->p + (size_t)m * run->key_cap * run->ld; }

void lf_projection_begin(lf_run *run, int32_t layer) {
  const lf_config *config = &run->model->config;
  const float start = config->projection == LF_PROJECTION_MAX ? -FLT_MAX : 0.0f;
  const size_t count = (size_t)lf_projected_rows(run, layer) * run->ld;
  for (int32_t m = 0; m < lf_all_matrices(config); m++) {
    float *p = matrix_of(run, m);
    for (size_t i = 0; i < count; i++) p[i] = start;
  }
}

/* p += E[:, first .. first + rows - 1] h */
static void linear_tile(lf_run *run, float *p, const lf_stored *E, size_t first_row, size_t k, size_t first,
                        size_t rows) {
  const lf_config *config = &run->model->config;
  const size_t n_max = (size_t)config->n_max;
  const float *in = (const float *)E->data + first_row * n_max + first;
  size_t ld_in = n_max;
  if (E->dtype != LF_F32) {
    for (size_t j = 0; j < k; j++) lf_stored_row(run->e_tile + j * LF_TILE, E, n_max, first_row + j, first, rows);
    in = run->e_tile;
    ld_in = LF_TILE;
  }
  const lf_panels h = {.data = run->h, .panel_stride = LF_LANES, .row_stride = run->ld};
  lf_gemm(p, run->ld, in, ld_in, h, NULL, 1, k, rows, (size_t)config->d_model);
}

/* Each row of the tile into the segment it lies in; `weight` is the convolution's [segment, ld] or NULL. */
static void segment_tile(lf_run *run, float *p, const float *weight, int32_t segment, int32_t first, int32_t rows) {
  const lf_config *config = &run->model->config;
  const size_t d = (size_t)config->d_model;
  for (int32_t t = 0; t < rows; t++) {
    float *to = p + (size_t)((first + t) / segment) * run->ld;
    const float *h = run->h + (size_t)t * run->ld;
    switch (config->projection) {
      case LF_PROJECTION_MAX: lf_max(to, h, d); break;
      case LF_PROJECTION_CONV: lf_multiply_add(to, weight + (size_t)((first + t) % segment) * run->ld, h, d); break;
      default: lf_add(to, h, d); break;
    }
  }
}

void lf_projection_tile(lf_run *run, int32_t layer, int32_t first, int32_t rows) {
  const lf_config *config = &run->model->config;
  const lf_layer *weights = &run->model->layers[layer];
  const int32_t k = config->k[layer];
  const int32_t segment = lf_segment(config, layer);
  const int32_t n_keys = lf_key_matrices(config);
  for (int32_t m = 0; m < lf_all_matrices(config); m++) {
    const lf_sequence *sequence = m < n_keys ? &weights->E : &weights->F;
    const size_t matrix = (size_t)(m % n_keys); /* within E or F: the head, or 0 */
    float *p = matrix_of(run, m);
    if (config->projection == LF_PROJECTION_LINEAR) {
      linear_tile(run, p, &sequence->linear, matrix * (size_t)k, (size_t)k, (size_t)first, (size_t)rows);
    } else {
      const size_t stride = (size_t)segment * run->ld;
      const float *weight = sequence->conv != NULL ? sequence->conv + matrix * stride : NULL;
      segment_tile(run, p, weight, segment, first, rows);
    }
  }
}

void lf_projection_end(lf_run *run, int32_t layer) {
  const lf_config *config = &run->model->config;
  if (config->projection != LF_PROJECTION_MEAN) return;
  const int32_t segment = lf_segment(config, layer);
  const int32_t k = lf_projected_rows(run, layer);
  for (int32_t j = 0; j < k; j++) { /* the last segment has the rows that are left */
    const int32_t count = j + 1 < k ? segment : run->n - j * segment;
    lf_scale(run->p + (size_t)j * run->ld, 1.0f / (float)count, (size_t)config->d_model);
  }
}
