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

int lf_projects_int8(const lf_config *config) {
  return config->projection == LF_PROJECTION_LINEAR && config->precision == LF_PRECISION_INT8;
}

/* Rows of one matrix of p as it lies in memory, for k projected rows. */
static size_t stored_rows(const lf_run *run, size_t k) {
  return lf_projects_int8(&run->model->config) ? (size_t)run->model->config.d_model : k;
}

/* Floats of one matrix of p. */
static size_t matrix_size(const lf_run *run) { return stored_rows(run, run->key_cap) * run->ld_p; }

void lf_projection_begin(const lf_run *run, float *p, int32_t layer) {
  const lf_config *config = &run->model->config;
  const float start = config->projection == LF_PROJECTION_MAX ? -FLT_MAX : 0.0f;
  const size_t count = stored_rows(run, (size_t)lf_projected_rows(run, layer)) * run->ld_p;
  for (int32_t m = 0; m < lf_all_matrices(config); m++) {
    float *matrix = p + (size_t)m * matrix_size(run);
    for (size_t i = 0; i < count; i++) matrix[i] = start;
  }
}

/* p^T += h^T E[:, first .. first + rows - 1]^T in 8 bits, with the k rows of E from first_row on */
static void linear_tile_int8(lf_worker *worker, float *p, const lf_sequence *sequence, size_t first_row, size_t k,
                             size_t first, size_t rows) {
  const lf_run *run = worker->run;
  const size_t tile = first / LF_TILE;
  lf_quantised_panels E = sequence->quantised;
  E.data += (tile * sequence->rows + first_row) * LF_TILE;
  E.scale += first_row;
  E.sum += tile * sequence->rows + first_row;
  E.n_in = rows;
  E.n_out = k;
  if (rows < LF_TILE) { /* the document's last tile: the sums must not have the columns that it lacks */
    for (size_t j = 0; j < k; j++) {
      int32_t sum = 0;
      for (size_t i = 0; i < rows; i++) sum += E.data[lf_quantised_index(E.panel_stride, j, i)];
      worker->e_sum[j] = (float)sum;
    }
    E.sum = worker->e_sum;
  }
  const lf_rows out = {.data = p, .ld = run->ld_p};
  lf_gemm_int8(out, worker->columns, E, NULL, LF_ADD, (size_t)run->model->config.d_model);
}

/* p += E[:, first .. first + rows - 1] h, the same in floats */
static void linear_tile(lf_worker *worker, float *p, const lf_sequence *sequence, size_t first_row, size_t k,
                        size_t first, size_t rows) {
  const lf_run *run = worker->run;
  const lf_stored *E = &sequence->linear;
  const size_t index = first * sequence->rows + first_row * LF_TILE;
  lf_rows in = {.data = worker->e_tile, .ld = LF_TILE};
  if (E->dtype == LF_F32) {
    in.data = (float *)E->data + index;
  } else {
    for (size_t j = 0; j < k; j++) {
      lf_widen(worker->e_tile + j * LF_TILE, E, index + j * LF_TILE, first_row + j, LF_TILE);
    }
  }
  const lf_rows out = {.data = p, .ld = run->ld_p};
  const lf_panels h = {.data = worker->h.data,
                       .panel_stride = LF_LANES,
                       .row_stride = worker->h.ld,
                       .n_in = rows,
                       .n_out = (size_t)run->model->config.d_model};
  lf_gemm(out, in, h, NULL, LF_ADD, k);
}

/* Each row of the tile into the segment it lies in; `weight` is the convolution's [segment, ld] or NULL. */
static void segment_tile(const lf_worker *worker, float *p, const float *weight, int32_t segment, int32_t first,
                         int32_t rows) {
  const lf_run *run = worker->run;
  const lf_config *config = &run->model->config;
  const size_t d = (size_t)config->d_model;
  for (int32_t t = 0; t < rows; t++) {
    float *to = p + (size_t)((first + t) / segment) * run->ld_p;
    const float *h = worker->h.data + (size_t)t * worker->h.ld;
    switch (config->projection) {
      case LF_PROJECTION_MAX: lf_max(to, h, d); break;
      case LF_PROJECTION_CONV:
        lf_multiply_add(to, weight + (size_t)((first + t) % segment) * worker->h.ld, h, d);
        break;
      default: lf_add(to, h, d); break;
    }
  }
}

void lf_projection_tile(lf_worker *worker, int32_t layer, int32_t first, int32_t rows) {
  const lf_run *run = worker->run;
  const lf_config *config = &run->model->config;
  const lf_layer *weights = &run->model->layers[layer];
  const int32_t k = config->k[layer];
  const int32_t segment = lf_segment(config, layer);
  const int32_t n_keys = lf_key_matrices(config);
  const int int8 = lf_projects_int8(config);
  if (int8) lf_quantise_columns(worker->columns, worker->h, (size_t)rows, (size_t)config->d_model);
  for (int32_t m = 0; m < lf_all_matrices(config); m++) {
    const lf_sequence *sequence = m < n_keys ? &weights->E : &weights->F;
    const size_t matrix = (size_t)(m % n_keys); /* within E or F: the head, or 0 */
    float *p = worker->p + (size_t)m * matrix_size(run);
    if (int8) {
      linear_tile_int8(worker, p, sequence, matrix * lf_pad((size_t)k), (size_t)k, (size_t)first, (size_t)rows);
    } else if (config->projection == LF_PROJECTION_LINEAR) {
      linear_tile(worker, p, sequence, matrix * (size_t)k, (size_t)k, (size_t)first, (size_t)rows);
    } else {
      const size_t stride = (size_t)segment * worker->h.ld;
      const float *weight = sequence->conv != NULL ? sequence->conv + matrix * stride : NULL;
      segment_tile(worker, p, weight, segment, first, rows);
    }
  }
}

void lf_projection_add(const lf_run *run, int32_t layer, const float *chunk) {
  const lf_config *config = &run->model->config;
  const size_t count = stored_rows(run, (size_t)lf_projected_rows(run, layer)) * run->ld_p;
  for (int32_t m = 0; m < lf_all_matrices(config); m++) {
    const size_t matrix = (size_t)m * matrix_size(run);
    if (config->projection == LF_PROJECTION_MAX) {
      lf_max(run->p + matrix, chunk + matrix, count);
    } else {
      lf_add(run->p + matrix, chunk + matrix, count);
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
    lf_scale(run->p + (size_t)j * run->ld_p, 1.0f / (float)count, (size_t)config->d_model);
  }
}

lf_rows lf_projection_rows(lf_worker *worker, size_t matrix, size_t first, size_t rows) {
  const lf_run *run = worker->run;
  const size_t d = (size_t)run->model->config.d_model;
  const lf_rows p = {.data = run->p + matrix * matrix_size(run), .ld = run->ld_p};
  if (!lf_projects_int8(&run->model->config)) return lf_rows_at(p, first, 0);
  for (size_t r = 0; r < rows; r++) {
    for (size_t i = 0; i < d; i++) worker->h.data[r * worker->h.ld + i] = p.data[i * p.ld + first + r];
  }
  return worker->h;
}
