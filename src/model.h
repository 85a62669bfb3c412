/* model.h - the weights of a trunk, as the forward pass reads them (internal) */
#ifndef LF_MODEL_H
#define LF_MODEL_H

#include "slots.h"

/* One sequence projection. Linear has E cut into the columns of one tile after another, so that a tile reads one piece
 * of memory. Mean and max have nothing. */
typedef struct lf_sequence {
  /* Linear: [n_tiles, rows, LF_TILE], rows = matrices * k, the last tile filled up with zeros. */
  lf_stored linear;
  /* Linear, int8: each tile is a quantised matrix [LF_TILE, rows], rows = matrices * lf_pad(k), of which this is the first;
   * all have one scale, and sums of their own. */
  lf_quantised_panels quantised;
  size_t rows;
  /* Conv: transposed and widened, [matrices, segment, lf_pad(d_model)]. */
  float *conv;
} lf_sequence;

typedef struct lf_layer {
  lf_norm attn_norm, ffn_norm;
  lf_linear query, key, value, out; /* query is scaled by 1 / sqrt(d_head) when it is packed */
  lf_linear ffn_in, ffn_out;
  lf_sequence E, F; /* this layer's own, or for layerwise sharing the model's */
} lf_layer;

struct lf_model {
  lf_config config;
  lf_stored token, position;
  lf_linear stem_in, stem_out;
  lf_layer layers[LF_MAX_LAYERS];
  lf_norm norm;
  float *pool_token;     /* [lf_pad(vocab_size)] importance of a token alone; NULL without importance */
  lf_panels pool_weight; /* [d_model, 1] and of its vector */
  lf_slots slots;
};

/* Rows of a segment: n_max / k. */
static inline int32_t lf_segment(const lf_config *config, int32_t layer) { return config->n_max / config->k[layer]; }

/* The largest k of all layers. */
static inline int32_t lf_k_max(const lf_config *config) {
  int32_t k_max = 0;
  for (int32_t layer = 0; layer < config->n_layers; layer++) {
    if (config->k[layer] > k_max) k_max = config->k[layer];
  }
  return k_max;
}

#endif /* LF_MODEL_H */
