/* reference.c - see reference.h. Wang et al. 2020, with (E h) W + b for keys and values; pre-norm encoder. */
#include "reference_pass.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* out [rows, n_out] = (or +=) in [rows, n_in] W^T + b */
static void linear(pass *p, double *out, const double *in, const float *weight, const float *bias, size_t rows,
                   size_t n_in, size_t n_out, int accumulate) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t o = 0; o < n_out; o++) {
      double sum = bias != NULL ? (double)bias[o] : 0.0;
      for (size_t i = 0; i < n_in; i++) sum += stored(p, in[r * n_in + i] * (double)weight[o * n_in + i]);
      double *to = &out[r * n_out + o];
      *to = stored(p, accumulate ? *to + sum : sum);
    }
  }
}

/* Outputs first_out .. first_out + n_out - 1 of a linear map, in 8 bits where the model is: out [rows, n_out] = (or +=) in W^T + b */
static void linear_outputs(pass *p, double *out, const double *in, int32_t layer, const char *name, size_t rows,
                           size_t n_in, size_t first_out, size_t n_out, int accumulate) {
  enum { WIDEST = 512, LARGEST = 1 << 16 };
  static double rounded[WIDEST];
  static float quantised[LARGEST], scales[WIDEST];
  char full[REFERENCE_NAME];
  (void)snprintf(full, sizeof full, "%s.weight", name);
  const reference_tensor *weight = reference_tensor_of(p, layer, full);
  (void)snprintf(full, sizeof full, "%s.bias", name);
  const float *bias = reference_values_of(p, layer, full) + first_out;
  if (p->model->config.precision != LF_PRECISION_INT8) {
    linear(p, out, in, weight->values + first_out * n_in, bias, rows, n_in, n_out, accumulate);
    return;
  }
  if (n_in > WIDEST || n_out > WIDEST || n_in * n_out > LARGEST) abort();
  for (size_t o = 0; o < n_out; o++)
    scales[o] = reference_quantise_weight(quantised + o * n_in, weight, first_out + o, n_in);
  for (size_t r = 0; r < rows; r++) {
    reference_round_row(p, rounded, in + r * n_in, n_in);
    for (size_t o = 0; o < n_out; o++) {
      double sum = (double)bias[o];
      for (size_t i = 0; i < n_in; i++) {
        sum += stored(p, rounded[i] * (double)quantised[o * n_in + i] * (double)scales[o]);
      }
      double *to = &out[r * n_out + o];
      *to = stored(p, accumulate ? *to + sum : sum);
    }
  }
}

static void linear_map(pass *p, double *out, const double *in, int32_t layer, const char *name, size_t rows,
                       size_t n_in, size_t n_out, int accumulate) {
  linear_outputs(p, out, in, layer, name, rows, n_in, 0, n_out, accumulate);
}

static void layer_norm(pass *p, double *out, const double *in, const float *gain, const float *bias, size_t rows,
                       size_t d) {
  for (size_t r = 0; r < rows; r++) {
    const double *x = in + r * d;
    double mean = 0.0;
    double variance = 0.0;
    for (size_t i = 0; i < d; i++) mean += x[i];
    mean = stored(p, mean / (double)d);
    for (size_t i = 0; i < d; i++) variance += (x[i] - mean) * (x[i] - mean);
    const double rate = 1.0 / sqrt(variance / (double)d + 1e-5);
    for (size_t i = 0; i < d; i++) {
      out[r * d + i] = stored(p, (double)bias[i] + (x[i] - mean) * rate * (double)gain[i]);
    }
  }
}

/* An exponent above 88 counts as 88, as in the engine: for x below -1e30 the result is x e^-88, not zero. */
static double gelu(pass *p, double x) {
  const double u = fmin(88.0, -2.0 * 0.79788456080286535588 * (x + 0.044715 * x * x * x));
  return x / (1.0 + (p->model->config.precision == LF_PRECISION_INT8 ? reference_coarse_exp(p, u) : exp(u)));
}

/* Rows that the projection of n tokens has. */
static int32_t projected_rows(const lf_config *config, int32_t layer, int32_t n) {
  if (config->attention == LF_ATTENTION_FULL) return n;
  const int32_t k = config->k[layer];
  if (config->projection == LF_PROJECTION_LINEAR) return k;
  const int32_t segment = config->n_max / k;
  return (n + segment - 1) / segment;
}

/* out [rows, d] = the projection of h [n, d] for keys (E) or values (F), one head's where heads differ */
static void project(pass *p, double *out, const double *h, int32_t layer, int values, int32_t head, int32_t n) {
  const lf_config *config = &p->model->config;
  const size_t d = (size_t)config->d_model;
  const int32_t rows = projected_rows(config, layer, n);
  if (config->attention == LF_ATTENTION_FULL) {
    memcpy(out, h, (size_t)n * d * sizeof *out);
    return;
  }
  const int32_t k = config->k[layer];
  const int32_t segment = config->n_max / k;
  const int layerwise = config->sharing == LF_SHARING_LAYERWISE;
  const int separate = config->sharing == LF_SHARING_NONE || config->sharing == LF_SHARING_HEADWISE;
  const reference_tensor *tensor =
      reference_tensor_of(p, layerwise ? -1 : layer, values && separate ? "attn.F" : "attn.E");
  const float *E = tensor != NULL ? tensor->values : NULL;
  const size_t of_head = config->sharing == LF_SHARING_NONE ? (size_t)head : 0;
  if (config->projection == LF_PROJECTION_LINEAR && config->precision == LF_PRECISION_INT8) {
    reference_project_int8(p, out, h, tensor, of_head * (size_t)k, (size_t)k, (size_t)n);
    return;
  }
  const int has_weights = config->projection == LF_PROJECTION_LINEAR || config->projection == LF_PROJECTION_CONV;
  if (has_weights && E == NULL) abort();
  for (int32_t j = 0; j < rows; j++) {
    for (size_t i = 0; i < d; i++) {
      double sum = config->projection == LF_PROJECTION_MAX ? -INFINITY : 0.0;
      const int32_t first = config->projection == LF_PROJECTION_LINEAR ? 0 : j * segment;
      const int32_t end = config->projection == LF_PROJECTION_LINEAR || first + segment > n ? n : first + segment;
      for (int32_t t = first; t < end; t++) {
        const double value = h[(size_t)t * d + i];
        switch (config->projection) {
          case LF_PROJECTION_LINEAR:
            sum += stored(p, value * (double)E[(of_head * (size_t)k + (size_t)j) * (size_t)config->n_max + (size_t)t]);
            break;
          case LF_PROJECTION_MEAN: sum += value / (double)(end - first); break;
          case LF_PROJECTION_MAX: sum = fmax(sum, value); break;
          case LF_PROJECTION_CONV:
            sum += stored(p, value * (double)E[(of_head * d + i) * (size_t)segment + (size_t)(t - first)]);
            break;
          default: abort();
        }
      }
      out[(size_t)j * d + i] = stored(p, sum);
    }
  }
}

static size_t lay_out(rooms *r, const lf_config *config, int32_t n, double *work) {
  const size_t d = (size_t)config->d_model;
  const size_t m = (size_t)n;
  const size_t k = config->attention == LF_ATTENTION_FULL ? m : (size_t)reference_largest_k(config);
  const size_t widest = (size_t)(config->d_ff > config->stem ? config->d_ff : config->stem);
  const size_t sizes[] = {m * d, m * d, m * d, m * d, k * d, k * d, k * d, m * widest, k, 3 * m * d, m};
  double **const places[] = {&r->x,      &r->h,  &r->q,      &r->ctx,    &r->p,         &r->keys,
                             &r->values, &r->ff, &r->scores, &r->tokens, &r->importance};
  size_t used = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    if (work != NULL) *places[i] = work + used;
    used += sizes[i];
  }
  return used;
}

size_t reference_doubles(const lf_config *config, int32_t n) {
  rooms r;
  return lay_out(&r, config, n, NULL);
}

static void attention(pass *p, const rooms *r, int32_t layer, int32_t n) {
  const lf_config *config = &p->model->config;
  const size_t d = (size_t)config->d_model;
  const size_t d_head = d / (size_t)config->n_heads;
  const size_t rows = (size_t)projected_rows(config, layer, n);
  const int int8 = config->precision == LF_PRECISION_INT8;
  const int all_int8 = int8 && config->attention == LF_ATTENTION_LINFORMER;
  linear_map(p, r->q, r->h, layer, "attn.query", (size_t)n, d, d, 0);
  for (int32_t head = 0; head < config->n_heads; head++) {
    const size_t column = (size_t)head * d_head;
    project(p, r->p, r->h, layer, 0, head, n);
    linear_outputs(p, r->keys, r->p, layer, "attn.key", rows, d, column, d_head, 0);
    for (size_t j = 0; j < rows && int8; j++) reference_round_output(p, r->keys + j * d_head, 1, d_head);
    for (size_t t = 0; t < (size_t)n && int8; t++) {
      reference_round_row(p, r->q + t * d + column, r->q + t * d + column, d_head);
    }
    project(p, r->p, r->h, layer, 1, head, n);
    linear_outputs(p, r->values, r->p, layer, "attn.value", rows, d, column, d_head, 0);
    for (size_t i = 0; i < d_head && all_int8; i++) {
      for (size_t j = 0; j < rows; j += KEY_BLOCK) {
        reference_round_output(p, r->values + j * d_head + i, d_head, rows - j < KEY_BLOCK ? rows - j : KEY_BLOCK);
      }
    }
    for (int32_t t = 0; t < n; t++) {
      double top = -INFINITY;
      double total = 0.0;
      for (size_t j = 0; j < rows; j++) {
        double score = 0.0;
        for (size_t i = 0; i < d_head; i++) score += r->q[(size_t)t * d + column + i] * r->keys[j * d_head + i];
        r->scores[j] = stored(p, score / sqrt((double)d_head));
        top = fmax(top, r->scores[j]);
      }
      if (all_int8) reference_round_numerators(p, r->scores, top, rows);
      for (size_t j = 0; j < rows; j++) {
        r->scores[j] = stored(p, all_int8 ? r->scores[j] : exp(r->scores[j] - top));
        total += r->scores[j];
      }
      for (size_t i = 0; i < d_head; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < rows; j++) sum += r->scores[j] / total * r->values[j * d_head + i];
        r->ctx[(size_t)t * d + column + i] = stored(p, sum);
      }
    }
  }
  linear_map(p, r->x, r->ctx, layer, "attn.out", (size_t)n, d, d, 1);
}

static double position(const pass *p, size_t t, size_t i) {
  const size_t d = (size_t)p->model->config.d_model;
  if (p->model->config.positions == LF_POSITIONS_NONE) return 0.0;
  if (p->model->config.positions == LF_POSITIONS_LEARNED) {
    return (double)reference_values_of(p, -1, "embed.position.weight")[t * d + i];
  }
  const double angle = (double)t * pow(10000.0, -(double)(i / 2 * 2) / (double)d);
  return i % 2 == 0 ? sin(angle) : cos(angle);
}

/* x += W_out gelu(W_in [token_(t-1); token_t; token_(t+1)] + b_in) + b_out */
static void convolve(pass *p, const rooms *r, const float *token, const int32_t *ids, int32_t n) {
  const size_t d = (size_t)p->model->config.d_model;
  const size_t stem = (size_t)p->model->config.stem;
  for (int32_t t = 0; t < n; t++) {
    for (int32_t offset = 0; offset < 3; offset++) {
      const int32_t other = t + offset - 1;
      for (size_t i = 0; i < d; i++) {
        const double value = other < 0 || other >= n ? 0.0 : (double)token[(size_t)ids[other] * d + i];
        r->tokens[((size_t)t * 3 + (size_t)offset) * d + i] = value;
      }
    }
  }
  linear_map(p, r->ff, r->tokens, -1, "stem.in", (size_t)n, 3 * d, stem, 0);
  for (size_t i = 0; i < (size_t)n * stem; i++) r->ff[i] = stored(p, gelu(p, r->ff[i]));
  linear_map(p, r->x, r->ff, -1, "stem.out", (size_t)n, stem, d, 1);
}

int reference_forward(reference_result *out, const reference_model *model, const int32_t *ids, int32_t n, double noise,
                      uint64_t seed, double *work) {
  pass state = {.model = model, .noise = noise, .random = seed};
  pass *p = &state;
  const lf_config *config = &model->config;
  const size_t d = (size_t)config->d_model;
  const size_t d_ff = (size_t)config->d_ff;
  const size_t m = (size_t)n;
  rooms r;
  lay_out(&r, config, n, work);

  const float *token = reference_values_of(p, -1, "embed.token.weight");
  for (size_t t = 0; t < m; t++) {
    for (size_t i = 0; i < d; i++) {
      r.x[t * d + i] = stored(p, (double)token[(size_t)ids[t] * d + i] + stored(p, position(p, t, i)));
    }
  }
  if (config->stem > 0) convolve(p, &r, token, ids, n);
  for (int32_t layer = 0; layer < config->n_layers; layer++) {
    layer_norm(p, r.h, r.x, reference_values_of(p, layer, "attn_norm.weight"),
               reference_values_of(p, layer, "attn_norm.bias"), m, d);
    attention(p, &r, layer, n);
    layer_norm(p, r.h, r.x, reference_values_of(p, layer, "ffn_norm.weight"),
               reference_values_of(p, layer, "ffn_norm.bias"), m, d);
    linear_map(p, r.ff, r.h, layer, "ffn.in", m, d, d_ff, 0);
    for (size_t i = 0; i < m * d_ff; i++) r.ff[i] = stored(p, gelu(p, r.ff[i]));
    linear_map(p, r.x, r.ff, layer, "ffn.out", m, d_ff, d, 1);
  }
  layer_norm(p, r.h, r.x, reference_values_of(p, -1, "norm.weight"), reference_values_of(p, -1, "norm.bias"), m, d);
  const double total = reference_pool(p, &r, out->pooled, ids, n);
  const size_t n_classes = (size_t)model->head.n_classes;
  linear(p, out->contributions, r.h, reference_values_of(p, -1, "head.weight"), NULL, m, d, n_classes, 0);
  for (size_t c = 0; c < n_classes; c++) {
    out->logits[c] = (double)reference_values_of(p, -1, "head.bias")[c] +
                     reference_pool_class(p, out, r.importance, total, ids, n, c);
  }
  const float *words = model->head.pooling == LF_POOLING_WINDOW_MAX ? NULL : reference_values_of(p, -1, "words.weight");
  for (int32_t t = 0; t < n && words != NULL; t++) {
    double share;
    const int32_t row = reference_word_of(p, ids, n, t, &share);
    for (size_t c = 0; c < n_classes && row >= 0; c++) {
      const double part = stored(p, share * (double)words[(size_t)row * n_classes + c]);
      out->contributions[(size_t)t * n_classes + c] += (double)n * part;
      out->logits[c] += part;
    }
  }
  return p->close;
}
