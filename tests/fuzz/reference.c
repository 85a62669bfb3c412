/* reference.c - see reference.h. Wang et al. 2020, with (E h) W + b for keys and values; pre-norm encoder; and what a head
 * makes of it. */
#include "reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list of tensors ---- */

size_t reference_size(const reference_tensor *tensor) {
  size_t size = 1;
  for (int32_t i = 0; i < tensor->n_dims; i++) size *= (size_t)tensor->shape[i];
  return size;
}

/* layer < 0: a tensor of the model; a dimension of 0 ends the shape. */
static void add(reference_model *model, int32_t layer, const char *name, int32_t a, int32_t b, int32_t c) {
  reference_tensor *tensor = &model->tensors[model->n_tensors++];
  memset(tensor, 0, sizeof *tensor);
  if (layer < 0) {
    (void)snprintf(tensor->name, sizeof tensor->name, "%s", name);
  } else {
    (void)snprintf(tensor->name, sizeof tensor->name, "layers.%d.%s", (int)layer, name);
  }
  const int32_t shape[LF_MAX_DIMS] = {a, b, c};
  while (tensor->n_dims < LF_MAX_DIMS && shape[tensor->n_dims] != 0) {
    tensor->shape[tensor->n_dims] = shape[tensor->n_dims];
    tensor->n_dims++;
  }
}

static void add_linear(reference_model *model, int32_t layer, const char *name, int32_t out, int32_t in) {
  char full[REFERENCE_NAME];
  (void)snprintf(full, sizeof full, "%s.weight", name);
  add(model, layer, full, out, in, 0);
  (void)snprintf(full, sizeof full, "%s.bias", name);
  add(model, layer, full, out, 0, 0);
}

static void add_norm(reference_model *model, int32_t layer, const char *name, int32_t d) {
  char full[REFERENCE_NAME];
  (void)snprintf(full, sizeof full, "%s.weight", name);
  add(model, layer, full, d, 0, 0);
  (void)snprintf(full, sizeof full, "%s.bias", name);
  add(model, layer, full, d, 0, 0);
}

static void add_sequence(reference_model *model, int32_t layer, const char *name, int32_t k) {
  const lf_config *config = &model->config;
  const int conv = config->projection == LF_PROJECTION_CONV;
  const int32_t rows = conv ? config->d_model : k;
  const int32_t columns = conv ? config->n_max / k : config->n_max;
  if (!conv && config->projection != LF_PROJECTION_LINEAR) return;
  if (config->sharing == LF_SHARING_NONE) {
    add(model, layer, name, config->n_heads, rows, columns);
  } else {
    add(model, layer, name, rows, columns, 0);
  }
}

static int32_t largest_k(const lf_config *config) {
  int32_t k = config->k[0];
  for (int32_t layer = 1; layer < config->n_layers; layer++) k = config->k[layer] > k ? config->k[layer] : k;
  return k;
}

void reference_list(reference_model *model, const lf_config *config, const lf_head_config *head) {
  const int32_t d = config->d_model;
  const int linformer = config->attention == LF_ATTENTION_LINFORMER;
  memset(&model->head, 0, sizeof model->head);
  model->config = *config;
  model->n_tensors = 0;
  add(model, -1, "embed.token.weight", config->vocab_size, d, 0);
  if (config->positions == LF_POSITIONS_LEARNED) add(model, -1, "embed.position.weight", config->n_max, d, 0);
  if (config->stem > 0) {
    add_linear(model, -1, "stem.in", config->stem, 3 * d);
    add_linear(model, -1, "stem.out", d, config->stem);
  }
  if (linformer && config->sharing == LF_SHARING_LAYERWISE) add_sequence(model, -1, "attn.E", largest_k(config));
  for (int32_t layer = 0; layer < config->n_layers; layer++) {
    add_norm(model, layer, "attn_norm", d);
    add_linear(model, layer, "attn.query", d, d);
    add_linear(model, layer, "attn.key", d, d);
    add_linear(model, layer, "attn.value", d, d);
    add_linear(model, layer, "attn.out", d, d);
    add_norm(model, layer, "ffn_norm", d);
    add_linear(model, layer, "ffn.in", config->d_ff, d);
    add_linear(model, layer, "ffn.out", d, config->d_ff);
    if (!linformer || config->sharing == LF_SHARING_LAYERWISE) continue;
    add_sequence(model, layer, "attn.E", config->k[layer]);
    if (config->sharing != LF_SHARING_KEY_VALUE) add_sequence(model, layer, "attn.F", config->k[layer]);
  }
  add_norm(model, -1, "norm", d);
  if (config->importance) {
    add(model, -1, "pool.token", config->vocab_size, 0, 0);
    add(model, -1, "pool.weight", d, 0, 0);
  }
  if (head == NULL) return;
  model->head = *head;
  add_linear(model, -1, "head", head->n_classes, head->d_model);
  if (head->pooling == LF_POOLING_DIRECTIONS) add(model, -1, "head.token_weight", head->n_classes, head->d_model, 0);
  if (head->words > 0) {
    add(model, -1, "words.ids", head->words, 0, 0);
    add(model, -1, "words.idf", head->words, 0, 0);
    add(model, -1, "words.weight", head->words, head->n_classes, 0);
  }
}

/* ---- the forward pass ---- */

typedef struct pass {
  const reference_model *model;
  double noise;
  uint64_t random;
  int close; /* to another quantised value: see reference_forward */
} pass;

/* A value as it is stored: itself, or off by up to `noise` of itself. */
static double stored(pass *p, double value) {
  if (p->noise == 0.0) return value;
  p->random = p->random * 6364136223846793005u + 1442695040888963407u;
  return value * (1.0 + p->noise * ((double)(p->random >> 11) * 0x1p-52 - 1.0));
}

/* strcmp is the fuzzer's own, and slow. */
static int same(const char *a, const char *b) {
  while (*a == *b && *a != '\0') {
    a++;
    b++;
  }
  return *a == *b;
}

static const reference_tensor *tensor_of(const pass *p, int32_t layer, const char *name) {
  char full[REFERENCE_NAME];
  if (layer < 0) {
    (void)snprintf(full, sizeof full, "%s", name);
  } else {
    (void)snprintf(full, sizeof full, "layers.%d.%s", (int)layer, name);
  }
  for (int i = 0; i < p->model->n_tensors; i++) {
    if (same(p->model->tensors[i].name, full)) return &p->model->tensors[i];
  }
  return NULL;
}

static const float *values_of(const pass *p, int32_t layer, const char *name) {
  const reference_tensor *tensor = tensor_of(p, layer, name);
  return tensor == NULL ? NULL : tensor->values;
}

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

/* ---- 8 bits: as kernels.h has it ---- */

/* What single precision may be off by in an activation, in units of the largest of its row. */
static const double ACTIVATION_ERROR = 2e-5;

/* The whole number nearest to `place`, which single precision knows but for `error`. */
static double nearest(pass *p, double place, double error) {
  if (fabs(fabs(place - floor(place)) - 0.5) <= error) p->close = 1;
  return rint(place);
}

/* n activations become offset + scale * quantised, 0 .. 127. */
static void round_row(pass *p, double *out, const double *in, size_t n) {
  double least = in[0];
  double most = in[0];
  for (size_t i = 0; i < n; i++) {
    least = fmin(least, in[i]);
    most = fmax(most, in[i]);
  }
  const double range = most - least;
  const double error = 127.0 * ACTIVATION_ERROR * fmax(fabs(least), fabs(most)) / range;
  for (size_t i = 0; i < n; i++) {
    const int end = in[i] <= least || in[i] >= most; /* 0 and 127 */
    const double place = (in[i] - least) / range * 127.0;
    out[i] = range > 1e-30 ? least + range / 127.0 * nearest(p, place, end ? 0.0 : error) : least;
  }
  if (range > 0.0 && (range < 1e-28 || error > 0.4)) p->close = 1;
}

/* n values, `stride` apart, become scale * quantised, -127 .. 127: a key, or one channel of values. */
static void round_output(pass *p, double *values, size_t stride, size_t n) {
  double largest = 0.0;
  for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(values[i * stride]));
  const double scale = largest / 127.0;
  for (size_t i = 0; i < n; i++) {
    double *value = &values[i * stride];
    const double error = fabs(*value) < largest ? 127.0 * ACTIVATION_ERROR : 0.0;
    *value = scale < 1e-30 ? 0.0 : scale * nearest(p, *value / scale, error);
  }
}

/* The exp of values that are quantised next: 2^j p(f), in kernels.h's words with a relative error below 1.1e-4. */
static double coarse_exp(pass *p, double x) {
  const double place = fmax(x, -87.0) / 0.69314718055994530942;
  const double j = nearest(p, place, 1e-5);
  const double f = place - j;
  return ldexp(((0.05500892 * f + 0.24221095) * f + 0.6932829) * f + 1.0, (int)j);
}

/* Keys that the engine takes at once. */
enum { KEY_BLOCK = 128 };

/* Scores of n keys become the numerators scale * quantised of their probabilities, block by block, all relative to `top`. */
static void round_numerators(pass *p, double *scores, double top, size_t n) {
  for (size_t first = 0; first < n; first += KEY_BLOCK) {
    const size_t end = n - first < KEY_BLOCK ? n : first + KEY_BLOCK;
    double block_top = -INFINITY;
    for (size_t j = first; j < end; j++) block_top = fmax(block_top, scores[j]);
    const double scale = exp(fmax(block_top - top, -87.0)) / 127.0;
    for (size_t j = first; j < end; j++) {
      const double y = coarse_exp(p, scores[j] - block_top);
      const double error = y * ACTIVATION_ERROR * (1.0 + fabs(scores[j]) + fabs(block_top));
      scores[j] = scale * nearest(p, 127.0 * y, scores[j] < block_top ? 127.0 * error : 0.0);
    }
  }
}

/* Row `row` of a weight, quantised, and its scale; in single precision, as the engine does it once and for all. */
static float quantise_weight(float *quantised, const reference_tensor *weight, size_t row, size_t n) {
  if (weight->quantised != NULL) {
    for (size_t i = 0; i < n; i++) quantised[i] = (float)weight->quantised[row * n + i];
    return weight->scales[row];
  }
  const float *values = weight->values + row * n;
  float largest = 0.0f;
  for (size_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(values[i]));
  const float scale = largest / 127.0f < 1e-30f ? 0.0f : largest / 127.0f;
  for (size_t i = 0; i < n; i++) quantised[i] = scale > 0.0f ? rintf(values[i] / scale) : 0.0f;
  return scale;
}

/* Outputs first_out .. first_out + n_out - 1 of a linear map, in 8 bits where the model is: out [rows, n_out] = (or +=) in W^T + b */
static void linear_outputs(pass *p, double *out, const double *in, int32_t layer, const char *name, size_t rows,
                           size_t n_in, size_t first_out, size_t n_out, int accumulate) {
  enum { WIDEST = 512, LARGEST = 1 << 16 };
  static double rounded[WIDEST];
  static float quantised[LARGEST], scales[WIDEST];
  char full[REFERENCE_NAME];
  (void)snprintf(full, sizeof full, "%s.weight", name);
  const reference_tensor *weight = tensor_of(p, layer, full);
  (void)snprintf(full, sizeof full, "%s.bias", name);
  const float *bias = values_of(p, layer, full) + first_out;
  if (p->model->config.precision != LF_PRECISION_INT8) {
    linear(p, out, in, weight->values + first_out * n_in, bias, rows, n_in, n_out, accumulate);
    return;
  }
  if (n_in > WIDEST || n_out > WIDEST || n_in * n_out > LARGEST) abort();
  for (size_t o = 0; o < n_out; o++) scales[o] = quantise_weight(quantised + o * n_in, weight, first_out + o, n_in);
  for (size_t r = 0; r < rows; r++) {
    round_row(p, rounded, in + r * n_in, n_in);
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
  return x / (1.0 + (p->model->config.precision == LF_PRECISION_INT8 ? coarse_exp(p, u) : exp(u)));
}

/* Rows that the projection of n tokens has. */
static int32_t projected_rows(const lf_config *config, int32_t layer, int32_t n) {
  if (config->attention == LF_ATTENTION_FULL) return n;
  const int32_t k = config->k[layer];
  if (config->projection == LF_PROJECTION_LINEAR) return k;
  const int32_t segment = config->n_max / k;
  return (n + segment - 1) / segment;
}

/* out [k, d] = E h of linear projection in 8 bits: E's rows have one scale each, h one for each channel and tile. */
static void project_int8(pass *p, double *out, const double *h, const reference_tensor *E, size_t first_row, size_t k,
                         size_t n) {
  enum { WIDEST = 4096, CHANNELS = 512 };
  static float quantised[WIDEST];
  static double columns[CHANNELS][LF_TILE];
  const size_t n_max = (size_t)p->model->config.n_max;
  const size_t d = (size_t)p->model->config.d_model;
  if (n_max > WIDEST || d > CHANNELS) abort();
  for (size_t j = 0; j < k * d; j++) out[j] = 0.0;
  for (size_t first = 0; first < n; first += LF_TILE) {
    const size_t rows = n - first < LF_TILE ? n - first : LF_TILE;
    for (size_t i = 0; i < d; i++) {
      for (size_t t = 0; t < rows; t++) columns[i][t] = h[(first + t) * d + i];
      round_row(p, columns[i], columns[i], rows);
    }
    for (size_t j = 0; j < k; j++) {
      const double scale = (double)quantise_weight(quantised, E, first_row + j, n_max);
      for (size_t i = 0; i < d; i++) {
        for (size_t t = 0; t < rows; t++) {
          out[j * d + i] += stored(p, columns[i][t] * (double)quantised[first + t] * scale);
        }
      }
    }
  }
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
  const reference_tensor *tensor = tensor_of(p, layerwise ? -1 : layer, values && separate ? "attn.F" : "attn.E");
  const float *E = tensor != NULL ? tensor->values : NULL;
  const size_t of_head = config->sharing == LF_SHARING_NONE ? (size_t)head : 0;
  if (config->projection == LF_PROJECTION_LINEAR && config->precision == LF_PRECISION_INT8) {
    project_int8(p, out, h, tensor, of_head * (size_t)k, (size_t)k, (size_t)n);
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
          default:
            sum += stored(p, value * (double)E[(of_head * d + i) * (size_t)segment + (size_t)(t - first)]);
            break;
        }
      }
      out[(size_t)j * d + i] = stored(p, sum);
    }
  }
}

typedef struct rooms {
  double *x, *h, *q, *ctx, *p, *keys, *values, *ff, *scores, *tokens, *importance;
} rooms;

static size_t lay_out(rooms *r, const lf_config *config, int32_t n, double *work) {
  const size_t d = (size_t)config->d_model;
  const size_t m = (size_t)n;
  const size_t k = config->attention == LF_ATTENTION_FULL ? m : (size_t)largest_k(config);
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
    for (size_t j = 0; j < rows && int8; j++) round_output(p, r->keys + j * d_head, 1, d_head);
    for (size_t t = 0; t < (size_t)n && int8; t++) {
      round_row(p, r->q + t * d + column, r->q + t * d + column, d_head);
    }
    project(p, r->p, r->h, layer, 1, head, n);
    linear_outputs(p, r->values, r->p, layer, "attn.value", rows, d, column, d_head, 0);
    for (size_t i = 0; i < d_head && all_int8; i++) {
      for (size_t j = 0; j < rows; j += KEY_BLOCK) {
        round_output(p, r->values + j * d_head + i, d_head, rows - j < KEY_BLOCK ? rows - j : KEY_BLOCK);
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
      if (all_int8) round_numerators(p, r->scores, top, rows);
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
    return (double)values_of(p, -1, "embed.position.weight")[t * d + i];
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

/* a_t of all tokens, and the pooled vector. */
static double pool(pass *p, const rooms *r, double *pooled, const int32_t *ids, int32_t n) {
  const size_t d = (size_t)p->model->config.d_model;
  const float *s = values_of(p, -1, "pool.token");
  const float *u = values_of(p, -1, "pool.weight");
  double total = 0.0;
  for (int32_t t = 0; t < n; t++) {
    double score = s != NULL ? (double)s[ids[t]] : 0.0;
    for (size_t i = 0; i < d && u != NULL; i++) score += stored(p, r->h[(size_t)t * d + i] * (double)u[i]);
    r->importance[t] = stored(p, exp(fmin(20.0, fmax(-20.0, score))));
    total += r->importance[t];
  }
  for (size_t i = 0; i < d; i++) {
    double sum = 0.0;
    for (int32_t t = 0; t < n; t++) sum += r->importance[t] * r->h[(size_t)t * d + i];
    pooled[i] = stored(p, sum / total);
  }
  return total;
}

/* Each token's share of a word vector of length 1, of a document or a window of n tokens: idf / (sqrt(count) |v|), and the index of
 * its row, or -1. */
static int32_t word_of(const pass *p, const int32_t *ids, int32_t n, int32_t t, double *share) {
  const float *known = values_of(p, -1, "words.ids");
  const float *idf = values_of(p, -1, "words.idf");
  double squares = 0.0;
  double own = 0.0;
  int32_t row = -1;
  for (int32_t i = 0; i < p->model->head.words; i++) {
    double count = 0.0;
    for (int32_t j = 0; j < n; j++) count += (double)ids[j] == (double)known[i] ? 1.0 : 0.0;
    squares += count * (double)idf[i] * (double)idf[i];
    if ((double)ids[t] != (double)known[i]) continue;
    row = i;
    own = (double)idf[i] / sqrt(count);
  }
  *share = squares > 0.0 ? own / sqrt(squares) : 0.0;
  return row;
}

/* What the words of a window add to logit c: shares of its tokens. */
static double words_of_window(const pass *p, const int32_t *ids, int32_t n, size_t c) {
  const float *words = values_of(p, -1, "words.weight");
  double sum = 0.0;
  for (int32_t t = 0; t < n && words != NULL; t++) {
    double share;
    const int32_t row = word_of(p, ids, n, t, &share);
    if (row >= 0) sum += share * (double)words[(size_t)row * (size_t)p->model->head.n_classes + c];
  }
  return sum;
}

static double length_of(const double *vector, size_t n) {
  double squares = 0.0;
  for (size_t i = 0; i < n; i++) squares += vector[i] * vector[i];
  return sqrt(squares);
}

/* With directions: each token's share s_t e_t . w / |sum s e|, added to its contribution to logit c. */
static void add_token_shares(pass *p, reference_result *out, const int32_t *ids, int32_t n, size_t c) {
  const size_t d = (size_t)p->model->config.d_model;
  const size_t n_classes = (size_t)p->model->head.n_classes;
  const float *tokens = values_of(p, -1, "embed.token.weight");
  const float *importance = values_of(p, -1, "pool.token");
  const float *weight = values_of(p, -1, "head.token_weight");
  double squares = 0.0;
  for (size_t i = 0; i < d; i++) {
    double sum = 0.0;
    for (int32_t t = 0; t < n; t++) {
      const double s = importance != NULL ? exp(fmin(20.0, fmax(-20.0, (double)importance[ids[t]]))) : 1.0;
      sum += stored(p, s * (double)tokens[(size_t)ids[t] * d + i]);
    }
    squares += sum * sum;
  }
  for (int32_t t = 0; t < n && squares > 0.0; t++) {
    const double s = importance != NULL ? exp(fmin(20.0, fmax(-20.0, (double)importance[ids[t]]))) : 1.0;
    double y = 0.0;
    for (size_t i = 0; i < d; i++)
      y += stored(p, s * (double)tokens[(size_t)ids[t] * d + i] * (double)weight[c * d + i]);
    out->contributions[(size_t)t * n_classes + c] += (double)n * stored(p, y / sqrt(squares));
  }
}

/* The dense part of a logit, and with windows that of the words: contributions hold the terms y_tc, and become contributions. */
static double pool_class(pass *p, reference_result *out, const double *importance, double total, const int32_t *ids,
                         int32_t n, size_t c) {
  const lf_head_config *head = &p->model->head;
  const size_t n_classes = (size_t)head->n_classes;
  if (head->pooling != LF_POOLING_WINDOW_MAX) {
    const int has_directions = head->pooling == LF_POOLING_DIRECTIONS;
    const double length = has_directions ? length_of(out->pooled, (size_t)head->d_model) : 1.0;
    double sum = 0.0;
    for (int32_t t = 0; t < n; t++) {
      double *y = &out->contributions[(size_t)t * n_classes + c];
      if (head->pooling != LF_POOLING_MEAN) *y *= length > 0.0 ? importance[t] / total * (double)n / length : 0.0;
    }
    if (has_directions) add_token_shares(p, out, ids, n, c);
    for (int32_t t = 0; t < n; t++) sum += out->contributions[(size_t)t * n_classes + c];
    return sum / (double)n;
  }
  double largest = -INFINITY;
  int32_t start = 0;
  int32_t end = 0;
  for (int32_t first = 0; first == 0 || first + head->window / 2 < n; first += head->window / 2) {
    const int32_t last = first + head->window < n ? first + head->window : n;
    double mean = 0.0;
    for (int32_t t = first; t < last; t++)
      mean += out->contributions[(size_t)t * n_classes + c] / (double)(last - first);
    mean += words_of_window(p, ids + first, last - first, c);
    if (mean <= largest) continue;
    largest = mean;
    start = first;
    end = last;
  }
  if (out->evidence != NULL) {
    start = out->evidence[2 * c];
    end = out->evidence[2 * c + 1];
  }
  for (int32_t t = 0; t < n; t++) {
    out->contributions[(size_t)t * n_classes + c] *= t >= start && t < end ? (double)n / (double)(end - start) : 0.0;
  }
  const float *words = values_of(p, -1, "words.weight");
  for (int32_t t = start; t < end && words != NULL; t++) {
    double share;
    const int32_t row = word_of(p, ids + start, end - start, t - start, &share);
    if (row < 0) continue;
    const double part = stored(p, share * (double)words[(size_t)row * n_classes + c]);
    out->contributions[(size_t)t * n_classes + c] += (double)n * part;
  }
  return largest;
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

  const float *token = values_of(p, -1, "embed.token.weight");
  for (size_t t = 0; t < m; t++) {
    for (size_t i = 0; i < d; i++) {
      r.x[t * d + i] = stored(p, (double)token[(size_t)ids[t] * d + i] + stored(p, position(p, t, i)));
    }
  }
  if (config->stem > 0) convolve(p, &r, token, ids, n);
  for (int32_t layer = 0; layer < config->n_layers; layer++) {
    layer_norm(p, r.h, r.x, values_of(p, layer, "attn_norm.weight"), values_of(p, layer, "attn_norm.bias"), m, d);
    attention(p, &r, layer, n);
    layer_norm(p, r.h, r.x, values_of(p, layer, "ffn_norm.weight"), values_of(p, layer, "ffn_norm.bias"), m, d);
    linear_map(p, r.ff, r.h, layer, "ffn.in", m, d, d_ff, 0);
    for (size_t i = 0; i < m * d_ff; i++) r.ff[i] = stored(p, gelu(p, r.ff[i]));
    linear_map(p, r.x, r.ff, layer, "ffn.out", m, d_ff, d, 1);
  }
  layer_norm(p, r.h, r.x, values_of(p, -1, "norm.weight"), values_of(p, -1, "norm.bias"), m, d);
  const double total = pool(p, &r, out->pooled, ids, n);
  const size_t n_classes = (size_t)model->head.n_classes;
  linear(p, out->contributions, r.h, values_of(p, -1, "head.weight"), NULL, m, d, n_classes, 0);
  for (size_t c = 0; c < n_classes; c++) {
    out->logits[c] = (double)values_of(p, -1, "head.bias")[c] + pool_class(p, out, r.importance, total, ids, n, c);
  }
  const float *words = model->head.pooling == LF_POOLING_WINDOW_MAX ? NULL : values_of(p, -1, "words.weight");
  for (int32_t t = 0; t < n && words != NULL; t++) {
    double share;
    const int32_t row = word_of(p, ids, n, t, &share);
    for (size_t c = 0; c < n_classes && row >= 0; c++) {
      const double part = stored(p, share * (double)words[(size_t)row * n_classes + c]);
      out->contributions[(size_t)t * n_classes + c] += (double)n * part;
      out->logits[c] += part;
    }
  }
  return p->close;
}
