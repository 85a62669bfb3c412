/* config.c - which shapes of a trunk, and of a head, there can be */
#include <stddef.h>

#include "linformer.h"

static int within(int32_t value, int32_t low, int32_t high) { return value >= low && value <= high; }

lf_status lf_config_check(const lf_config *config) {
  if (config == NULL) return LF_ERROR_CONFIG;
  const int sizes = within(config->vocab_size, 1, 1 << 20) && within(config->n_max, 1, 1 << 20) &&
                    within(config->d_model, 1, 4096) && within(config->n_layers, 1, LF_MAX_LAYERS) &&
                    within(config->n_heads, 1, 64) && within(config->d_ff, 1, 16384) && within(config->stem, 0, 4096);
  const int kinds = within(config->attention, 0, LF_ATTENTION_FULL) &&
                    within(config->sharing, 0, LF_SHARING_LAYERWISE) &&
                    within(config->projection, 0, LF_PROJECTION_CONV) &&
                    within(config->positions, 0, LF_POSITIONS_NONE) && within(config->token_dtype, 0, LF_I8) &&
                    within(config->position_dtype, 0, LF_I8) && within(config->projection_dtype, 0, LF_I8) &&
                    within(config->precision, 0, LF_PRECISION_INT8) && within(config->importance, 0, 1);
  if (!sizes || !kinds || config->d_model % config->n_heads != 0) return LF_ERROR_CONFIG;
  if (config->attention == LF_ATTENTION_FULL) return LF_OK;

  for (int32_t layer = 0; layer < config->n_layers; layer++) {
    const int32_t k = config->k[layer];
    if (!within(k, 1, config->n_max)) return LF_ERROR_CONFIG;
    if (config->projection != LF_PROJECTION_LINEAR && config->n_max % k != 0) return LF_ERROR_CONFIG;
    const int one_conv = config->projection == LF_PROJECTION_CONV && config->sharing == LF_SHARING_LAYERWISE;
    if (one_conv && k != config->k[0]) return LF_ERROR_CONFIG;
  }
  return LF_OK;
}

lf_status lf_head_config_check(const lf_head_config *config) {
  if (config == NULL) return LF_ERROR_CONFIG;
  const int sizes = within(config->d_model, 1, 4096) && within(config->vocab_size, 1, 1 << 20) &&
                    within(config->n_classes, 1, 4096) && within(config->words, 0, config->vocab_size);
  const int kinds = within(config->pooling, 0, LF_POOLING_DIRECTIONS) && within(config->word_dtype, 0, LF_I8);
  const int has_window = config->pooling == LF_POOLING_WINDOW_MAX;
  const int window = has_window ? within(config->window, 2, 1 << 20) && config->window % 2 == 0 : config->window == 0;
  return sizes && kinds && window ? LF_OK : LF_ERROR_CONFIG;
}
