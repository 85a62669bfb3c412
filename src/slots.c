/* slots.c - lists the tensors of an object while its memory is laid out */
#include "slots.h"

#include <string.h>

/* ---- names ---- */

static void append(char name[LF_NAME_BYTES], const char *text) {
  size_t end = 0;
  while (name[end] != '\0') end++;
  while (*text != '\0' && end + 1 < LF_NAME_BYTES) name[end++] = *text++;
  name[end] = '\0';
}

/* "layers.L." + text, or the text alone when layer is negative. */
static void tensor_name(char name[LF_NAME_BYTES], int32_t layer, const char *text) {
  memset(name, 0, LF_NAME_BYTES);
  if (layer >= 0) {
    const char digits[3] = {(char)('0' + layer / 10), (char)('0' + layer % 10), '\0'};
    append(name, "layers.");
    append(name, layer < 10 ? digits + 1 : digits);
    append(name, ".");
  }
  append(name, text);
}

/* ---- the carve ---- */

lf_slot lf_carve_slot(lf_carver *to, const char *name, lf_slot slot) {
  tensor_name(slot.name, to->layer, name);
  const size_t rows = lf_slot_rows(&slot);
  const size_t columns = lf_slot_columns(&slot);
  const uint64_t width = columns; /* sizes are 64 bits wide: a product may pass what a pointer can address */
  switch (slot.kind) {
    case LF_SLOT_VECTOR: slot.data = lf_arena_take(&to->arena, lf_pad(columns), sizeof(float)); break;
    case LF_SLOT_LINEAR: slot.data = lf_arena_take(&to->arena, lf_pad(rows) * width, sizeof(float)); break;
    case LF_SLOT_STORED: slot.data = lf_arena_take(&to->arena, rows * width, lf_dtype_bytes(slot.dtype)); break;
    case LF_SLOT_TILED:
      slot.data = lf_arena_take(&to->arena, rows * (uint64_t)(lf_tiles(columns) * LF_TILE), lf_dtype_bytes(slot.dtype));
      break;
    case LF_SLOT_LINEAR_INT8:
    case LF_SLOT_TILED_INT8: {
      const size_t piece = slot.kind == LF_SLOT_LINEAR_INT8 ? columns : LF_TILE;
      const uint64_t pieces = (columns + piece - 1) / piece;
      const uint64_t panel_rows = lf_slot_panel_rows(&slot);
      slot.quantised = (lf_quantised_panels){
          .data = lf_arena_take(&to->arena, pieces * panel_rows * lf_pad_group(piece), sizeof(int8_t)),
          .scale = lf_arena_take(&to->arena, panel_rows, sizeof(float)),
          .sum = lf_arena_take(&to->arena, pieces * panel_rows, sizeof(float)),
          .panel_stride = lf_pad_group(piece) * LF_LANES,
          .n_in = piece,
          .n_out = rows};
      break;
    }
    case LF_SLOT_IDS: slot.data = lf_arena_take(&to->arena, columns, sizeof(int32_t)); break;
    case LF_SLOT_CONV: {
      const size_t channels = lf_slot_matrix_rows(&slot);
      slot.data = lf_arena_take(&to->arena, rows / channels * lf_pad(channels) * width, sizeof(float));
      break;
    }
  }
  if (lf_slot_has_scale(&slot)) slot.scale = lf_arena_take(&to->arena, rows, sizeof(float));
  if (to->slots.list != NULL) to->slots.list[to->slots.n] = slot;
  to->slots.n++;
  return slot;
}

float *lf_carve_vector(lf_carver *to, const char *name, int32_t length, float factor) {
  const lf_slot slot = {.kind = LF_SLOT_VECTOR, .shape = {length}, .n_dims = 1, .factor = factor};
  return lf_carve_slot(to, name, slot).data;
}

lf_norm lf_carve_norm(lf_carver *to, const char *weight, const char *bias, int32_t d_model) {
  lf_norm norm;
  norm.gain = lf_carve_vector(to, weight, d_model, 1.0f);
  norm.bias = lf_carve_vector(to, bias, d_model, 1.0f);
  return norm;
}

static lf_slot carve_matrix(lf_carver *to, const char *name, lf_linear_shape shape) {
  const lf_slot_kind kind = shape.precision == LF_PRECISION_INT8 ? LF_SLOT_LINEAR_INT8 : LF_SLOT_LINEAR;
  const lf_slot slot = {.kind = kind, .shape = {shape.n_out, shape.n_in}, .n_dims = 2, .factor = shape.factor};
  return lf_carve_slot(to, name, slot);
}

static lf_panels panels_of(lf_slot slot, lf_linear_shape shape) {
  return (lf_panels){.data = slot.data,
                     .panel_stride = (size_t)shape.n_in * LF_LANES,
                     .row_stride = LF_LANES,
                     .n_in = (size_t)shape.n_in,
                     .n_out = (size_t)shape.n_out};
}

lf_linear lf_carve_linear(lf_carver *to, const char *weight, const char *bias, lf_linear_shape shape) {
  const lf_slot slot = carve_matrix(to, weight, shape);
  return (lf_linear){.weight = panels_of(slot, shape),
                     .quantised = slot.quantised,
                     .bias = lf_carve_vector(to, bias, shape.n_out, shape.factor)};
}

lf_panels lf_carve_panels(lf_carver *to, const char *name, lf_linear_shape shape) {
  return panels_of(carve_matrix(to, name, shape), shape);
}

lf_stored lf_carve_stored(lf_carver *to, const char *name, lf_slot_kind kind, lf_slot slot) {
  slot.kind = kind;
  slot.factor = 1.0f;
  slot = lf_carve_slot(to, name, slot);
  return (lf_stored){.data = slot.data, .scale = slot.scale, .dtype = slot.dtype};
}
