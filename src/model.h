/* model.h - the weights of a model, as the forward pass reads them (internal) */
#ifndef LF_MODEL_H
#define LF_MODEL_H

#include "arena.h"
#include "kernels.h"
#include "linformer.h"

/* A linear map [n_in, n_out], packed in panels, the last one filled up with zeros. Its weights are floats, or quantised: then
 * weight.data is NULL. */
typedef struct lf_linear {
  lf_panels weight;
  lf_quantised_panels quantised;
  float *bias; /* [lf_pad(n_out)] */
} lf_linear;

typedef struct lf_norm {
  float *gain; /* [lf_pad(d_model)] */
  float *bias; /* [lf_pad(d_model)] */
} lf_norm;

/* A matrix [rows, columns] kept as the file has it, and widened a few values at a time. */
typedef struct lf_stored {
  void *data;   /* float, IEEE half or int8_t, as `dtype` says */
  float *scale; /* [rows], for I8 */
  int32_t dtype;
} lf_stored;

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

/* How a tensor of the file gets into the model. */
typedef enum lf_slot_kind {
  LF_SLOT_VECTOR,      /* F32 or F16 to float, filled up with zeros */
  LF_SLOT_LINEAR,      /* any dtype to packed float panels */
  LF_SLOT_LINEAR_INT8, /* any dtype to packed panels of 8 bits */
  LF_SLOT_STORED,      /* kept as it is; the dtype is the config's */
  LF_SLOT_TILED,       /* kept in its dtype, which is the config's, in pieces of LF_TILE columns */
  LF_SLOT_TILED_INT8,  /* the config's dtype to packed panels of 8 bits, in pieces of LF_TILE columns */
  LF_SLOT_CONV         /* any dtype to float, each matrix transposed */
} lf_slot_kind;

enum { LF_NAME_BYTES = 40 };

/* One tensor that the file must have. */
typedef struct lf_slot {
  char name[LF_NAME_BYTES];
  lf_slot_kind kind;
  int32_t shape[LF_MAX_DIMS];
  int32_t n_dims;
  int32_t dtype;                 /* the dtype it must have, if lf_slot_has_dtype */
  float factor;                  /* every value is multiplied by this when it is packed */
  void *data;                    /* where it goes */
  float *scale;                  /* where its scales go, one a row */
  lf_quantised_panels quantised; /* where it goes instead of `data`, if it is one of the two of 8 bits */
  int32_t has_data;              /* it has been set */
  int32_t has_scale;
} lf_slot;

struct lf_model {
  lf_config config;
  lf_stored token, position;
  lf_layer layers[LF_MAX_LAYERS];
  lf_norm norm;
  lf_linear head;
  lf_slot *slots;
  int32_t n_slots;
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

/* The config says which dtype the tensor has. */
static inline int lf_slot_has_dtype(const lf_slot *slot) {
  return slot->kind == LF_SLOT_STORED || slot->kind == LF_SLOT_TILED || slot->kind == LF_SLOT_TILED_INT8;
}

/* Rows (all dimensions but the last) and columns of a slot. */
static inline size_t lf_slot_rows(const lf_slot *slot) {
  size_t rows = 1;
  for (int32_t i = 0; i + 1 < slot->n_dims; i++) rows *= (size_t)slot->shape[i];
  return rows;
}
static inline size_t lf_slot_columns(const lf_slot *slot) { return (size_t)slot->shape[slot->n_dims - 1]; }

/* Rows of one of a slot's matrices. */
static inline size_t lf_slot_matrix_rows(const lf_slot *slot) { return (size_t)slot->shape[slot->n_dims - 2]; }

/* Rows of a slot in panels: each matrix filled up to whole ones. */
static inline size_t lf_slot_panel_rows(const lf_slot *slot) {
  size_t rows = lf_pad(lf_slot_matrix_rows(slot));
  for (int32_t i = 0; i + 2 < slot->n_dims; i++) rows *= (size_t)slot->shape[i];
  return rows;
}

static inline size_t lf_dtype_bytes(int32_t dtype) {
  static const uint8_t bytes[] = {[LF_F32] = 4, [LF_F16] = 2, [LF_I8] = 1};
  return bytes[dtype];
}

/* Tiles that n rows take. */
static inline size_t lf_tiles(size_t n) { return (n + LF_TILE - 1) / LF_TILE; }

/* Widens n values of a stored matrix, from value `index` of its memory on, all of row `row`. */
void lf_widen(float *out, const lf_stored *matrix, size_t index, size_t row, size_t n);

#endif /* LF_MODEL_H */
