/* slots.h - the tensors that a model or a head wants: where each one goes, and how it is packed (internal)
 *
 * A carve function lists them while it lays the block out, so that the list, the sizes and the pointers cannot disagree. */
#ifndef LF_SLOTS_H
#define LF_SLOTS_H

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

/* What a linear map is made of besides its name. */
typedef struct lf_linear_shape {
  int32_t n_out, n_in;
  int32_t precision; /* lf_precision */
  float factor;
} lf_linear_shape;

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

/* How a tensor of the file gets into the block. */
typedef enum lf_slot_kind {
  LF_SLOT_VECTOR,      /* F32 or F16 to float, filled up with zeros */
  LF_SLOT_LINEAR,      /* any dtype to packed float panels */
  LF_SLOT_LINEAR_INT8, /* any dtype to packed panels of 8 bits */
  LF_SLOT_STORED,      /* kept as it is; the dtype is the config's */
  LF_SLOT_TILED,       /* kept in its dtype, which is the config's, in pieces of LF_TILE columns */
  LF_SLOT_TILED_INT8,  /* the config's dtype to packed panels of 8 bits, in pieces of LF_TILE columns */
  LF_SLOT_CONV,        /* any dtype to float, each matrix transposed */
  LF_SLOT_IDS          /* I32, ascending, below `limit` */
} lf_slot_kind;

enum { LF_NAME_BYTES = 40 };

/* One tensor that the file must have. */
typedef struct lf_slot {
  char name[LF_NAME_BYTES];
  lf_slot_kind kind;
  int32_t shape[LF_MAX_DIMS];
  int32_t n_dims;
  int32_t dtype;                 /* the dtype it must have, if lf_slot_has_dtype */
  int32_t limit;                 /* of LF_SLOT_IDS: what ids are below */
  float factor;                  /* every value is multiplied by this when it is packed */
  void *data;                    /* where it goes */
  float *scale;                  /* where its scales go, one a row */
  lf_quantised_panels quantised; /* where it goes instead of `data`, if it is one of the two of 8 bits */
  size_t rows_done, scales_done; /* of a tensor that comes in pieces: rows, or values, that are there */
  int32_t has_data;              /* all of it has been set */
  int32_t has_scale;
} lf_slot;

/* The tensors of one object. */
typedef struct lf_slots {
  lf_slot *list;
  int32_t n;
} lf_slots;

/* The object's config says which dtype the tensor has. */
static inline int lf_slot_has_dtype(const lf_slot *slot) {
  return slot->kind == LF_SLOT_STORED || slot->kind == LF_SLOT_TILED || slot->kind == LF_SLOT_TILED_INT8;
}

/* It can be of I8, with a scale for each row. */
static inline int lf_slot_has_scale(const lf_slot *slot) { return slot->n_dims > 1; }

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
  switch (dtype) {
    case LF_I8: return 1;
    case LF_F16: return 2;
    default: return 4;
  }
}

/* Tiles that n rows take. */
static inline size_t lf_tiles(size_t n) { return (n + LF_TILE - 1) / LF_TILE; }

/* ---- slots.c: the carve ---- */

typedef struct lf_carver {
  lf_arena arena;
  lf_slots slots; /* the list is NULL when only counting */
  int32_t layer;  /* of the names to come, or -1 */
} lf_carver;

/* Takes the memory of one tensor and lists it. */
lf_slot lf_carve_slot(lf_carver *to, const char *name, lf_slot slot);

float *lf_carve_vector(lf_carver *to, const char *name, int32_t length, float factor);
lf_norm lf_carve_norm(lf_carver *to, const char *weight, const char *bias, int32_t d_model);
lf_stored lf_carve_stored(lf_carver *to, const char *name, lf_slot_kind kind, lf_slot slot);

/* A map from n_in to n_out in the precision given; each weight and bias is multiplied by `factor`. */
lf_linear lf_carve_linear(lf_carver *to, const char *weight, const char *bias, lf_linear_shape shape);
lf_panels lf_carve_panels(lf_carver *to, const char *name, lf_linear_shape shape); /* float32, without a bias */

/* ---- tensors.c ---- */

/* What lf_set_tensor does, and lf_head_set_tensor. */
lf_status lf_slots_set(const lf_slots *slots, const char *name, int32_t dtype, const int32_t *shape, int32_t n_dims,
                       const void *data, uint64_t data_bytes);

/* The first tensor that was not set, or NULL. */
const lf_slot *lf_slots_missing(const lf_slots *slots);

/* Widens n values of a stored matrix, from value `index` of its memory on, all of row `row`. */
void lf_widen(float *out, const lf_stored *matrix, size_t index, size_t row, size_t n);

#endif /* LF_SLOTS_H */
