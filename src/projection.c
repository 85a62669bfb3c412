/* projection.c - p = E h: n rows of the normalised stream become k, summed while each tile is in cache
 *
 * Wang et al. 2020, equation 7, with E applied to the input of the key and value maps, and section 4 for the sharing
 * of E between heads, keys and values, and layers. */
#include <float.h>
#include <string.h>

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

/* Floats of one matrix of p. */
static size_t matrix_size(const lf_run *run) {
  const lf_config *config = &run->model->config;
  return (lf_projects_int8(config) ? (size_t)config->d_model : run->key_cap) * run->ld_p;
}

/* Where some of p's rows lie in one of its matrices: `count` floats at `first`, `times` times, each ld_p behind the one
 * before. The last rows have the padding with them. */
typedef struct piece {
  size_t first, count, times;
} piece;

static piece piece_of(const lf_run *run, int32_t layer, lf_range rows) {
  const size_t first = (size_t)rows.first;
  const size_t count = (size_t)(rows.end - rows.first);
  if (!lf_projects_int8(&run->model->config)) return (piece){first * run->ld_p, count * run->ld_p, 1};
  const size_t padded = rows.end == lf_projected_rows(run, layer) ? run->ld_p - first : count;
  const size_t d = (size_t)run->model->config.d_model;
  if (padded == run->ld_p) return (piece){0, padded * d, 1};
  return (piece){first, padded, d};
}

lf_range lf_projection_span(const lf_run *run, int32_t layer, lf_range tiles) {
  const lf_config *config = &run->model->config;
  const int32_t k = lf_projected_rows(run, layer);
  if (config->projection == LF_PROJECTION_LINEAR) return (lf_range){0, k};
  const int32_t segment = lf_segment(config, layer);
  const int32_t last = tiles.end * LF_TILE < run->n ? tiles.end * LF_TILE : run->n;
  return (lf_range){tiles.first * LF_TILE / segment, (last + segment - 1) / segment};
}

void lf_projection_begin(const lf_run *run, float *p, int32_t layer, lf_range rows) {
  const lf_config *config = &run->model->config;
  const float start = config->projection == LF_PROJECTION_MAX ? -FLT_MAX : 0.0f;
  const piece part = piece_of(run, layer, rows);
  for (int32_t m = 0; m < lf_all_matrices(config); m++) {
    for (size_t t = 0; t < part.times; t++) {
      float *to = p + (size_t)m * matrix_size(run) + part.first + t * run->ld_p;
      if (start == 0.0f) {
        memset(to, 0, part.count * sizeof *to);
      } else {
        for (size_t i = 0; i < part.count; i++) to[i] = start;
      }
    }
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

void lf_projection_add(const lf_run *run, int32_t layer, const float *chunk, lf_range rows) {
  const lf_config *config = &run->model->config;
  const piece part = piece_of(run, layer, rows);
  for (int32_t m = 0; m < lf_all_matrices(config); m++) {
    for (size_t t = 0; t < part.times; t++) {
      const size_t index = (size_t)m * matrix_size(run) + part.first + t * run->ld_p;
      if (config->projection == LF_PROJECTION_MAX) {
        lf_max(run->p + index, chunk + index, part.count);
      } else {
        lf_add(run->p + index, chunk + index, part.count);
      }
    }
  }
}

void lf_projection_end(lf_run *run, int32_t layer, lf_range rows) {
  const lf_config *config = &run->model->config;
  if (config->projection != LF_PROJECTION_MEAN) return;
  const int32_t segment = lf_segment(config, layer);
  const int32_t k = lf_projected_rows(run, layer);
  for (int32_t j = rows.first; j < rows.end; j++) { /* the last segment has the rows that are left */
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
