/* reference_tensors.c - the tensors of a model: their list, and one by its name. */
#include "reference_pass.h"

#include <stdio.h>
#include <string.h>

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

/* Of all layers. */
int32_t reference_largest_k(const lf_config *config) {
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
  if (linformer && config->sharing == LF_SHARING_LAYERWISE)
    add_sequence(model, -1, "attn.E", reference_largest_k(config));
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

/* strcmp is the fuzzer's own, and slow. */
static int same(const char *a, const char *b) {
  while (*a == *b && *a != '\0') {
    a++;
    b++;
  }
  return *a == *b;
}

/* layer < 0: a tensor of the model. NULL: there is none. */
const reference_tensor *reference_tensor_of(const pass *p, int32_t layer, const char *name) {
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

const float *reference_values_of(const pass *p, int32_t layer, const char *name) {
  const reference_tensor *tensor = reference_tensor_of(p, layer, name);
  return tensor == NULL ? NULL : tensor->values;
}
