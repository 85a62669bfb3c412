/* tensors.c - checks each tensor of the file, and packs it from the file's layout into the kernels' */
#include <string.h>

#include "slots.h"

/* The first `length` characters of `text` are all of `name`. */
static int same_name(const char *text, size_t length, const char *name) {
  size_t i = 0;
  while (i < length && text[i] == name[i] && name[i] != '\0') i++;
  return i == length && name[i] == '\0';
}

/* All n values finite. An exponent of all ones is an infinity or a NaN. */
static int finite(const void *data, int32_t dtype, uint64_t n) {
  const uint8_t *bytes = data;
  for (uint64_t i = 0; i < n; i++) {
    if (dtype == LF_F32) {
      uint32_t bits;
      memcpy(&bits, bytes + i * sizeof bits, sizeof bits);
      if ((bits & 0x7f800000u) == 0x7f800000u) return 0;
    } else if (dtype == LF_F16) {
      uint16_t bits;
      memcpy(&bits, bytes + i * sizeof bits, sizeof bits);
      if ((bits & 0x7c00u) == 0x7c00u) return 0;
    }
  }
  return 1;
}

/* Value i of row `row` of the file's matrix [rows, columns]. */
static float value_at(const void *data, int32_t dtype, const float *scale, size_t columns, size_t row, size_t i) {
  const uint8_t *bytes = (const uint8_t *)data + (row * columns + i) * lf_dtype_bytes(dtype);
  float value = 0.0f;
  switch (dtype) {
    case LF_F16: {
      uint16_t half;
      memcpy(&half, bytes, sizeof half);
      lf_widen_f16(&value, &half, 1);
      break;
    }
    case LF_I8: lf_widen_i8(&value, (const int8_t *)bytes, scale[row], 1); break;
    default: memcpy(&value, bytes, sizeof value); break;
  }
  return value;
}

/* The file has [n_out, n_in]; panels have LF_LANES outputs of one input side by side. */
static void pack_linear(const lf_slot *slot, int32_t dtype, const void *data) {
  const size_t rows = lf_slot_rows(slot);
  const size_t columns = lf_slot_columns(slot);
  float *out = slot->data;
  memset(out, 0, lf_pad(rows) * columns * sizeof *out);
  for (size_t row = 0; row < rows; row++) {
    float *lane = out + row / LF_LANES * columns * LF_LANES + row % LF_LANES;
    for (size_t i = 0; i < columns; i++) {
      lane[i * LF_LANES] = value_at(data, dtype, slot->scale, columns, row, i) * slot->factor;
    }
  }
}

/* The scale of a quantised row: the file's for I8; other dtypes are rounded to 8 bits here. */
static float row_scale(const lf_slot *slot, int32_t dtype, const void *data, size_t row) {
  if (dtype == LF_I8) return slot->scale[row];
  const size_t columns = lf_slot_columns(slot);
  float largest = 0.0f;
  for (size_t i = 0; i < columns; i++) {
    const float value = value_at(data, dtype, NULL, columns, row, i);
    const float magnitude = value < 0.0f ? -value : value;
    largest = largest < magnitude ? magnitude : largest;
  }
  return lf_weight_scale(largest);
}

/* Each row becomes an output of a quantised matrix, or of one for every LF_TILE columns. */
static void pack_int8(const lf_slot *slot, int32_t dtype, const void *data) {
  const size_t rows = lf_slot_rows(slot);
  const size_t columns = lf_slot_columns(slot);
  const size_t matrix_rows = lf_slot_matrix_rows(slot);
  const size_t panel_rows = lf_slot_panel_rows(slot);
  const size_t piece = slot->kind == LF_SLOT_LINEAR_INT8 ? columns : LF_TILE;
  const size_t pieces = (columns + piece - 1) / piece;
  const size_t piece_bytes = panel_rows * lf_pad_group(piece);
  memset(slot->quantised.data, 0, pieces * piece_bytes);
  memset(slot->quantised.scale, 0, panel_rows * sizeof(float));
  memset(slot->quantised.sum, 0, pieces * panel_rows * sizeof(float));
  for (size_t row = 0; row < rows; row++) {
    const size_t to = row / matrix_rows * lf_pad(matrix_rows) + row % matrix_rows;
    const float scale = row_scale(slot, dtype, data, row);
    slot->quantised.scale[to] = scale * slot->factor;
    for (size_t p = 0; p < pieces; p++) {
      const size_t first = p * piece;
      const size_t count = columns - first < piece ? columns - first : piece;
      int32_t sum = 0;
      for (size_t i = 0; i < count; i++) {
        const int8_t value = dtype == LF_I8
                                 ? ((const int8_t *)data)[row * columns + first + i]
                                 : lf_quantise_weight(value_at(data, dtype, NULL, columns, row, first + i), scale);
        slot->quantised.data[p * piece_bytes + lf_quantised_index(slot->quantised.panel_stride, to, i)] = value;
        sum += value;
      }
      slot->quantised.sum[p * panel_rows + to] = (float)sum;
    }
  }
}

/* Row after row, in pieces of LF_TILE columns: [n_tiles, rows, LF_TILE]. */
static void pack_tiles(const lf_slot *slot, const void *data) {
  const size_t rows = lf_slot_rows(slot);
  const size_t columns = lf_slot_columns(slot);
  const size_t size = lf_dtype_bytes(slot->dtype);
  memset(slot->data, 0, rows * lf_tiles(columns) * LF_TILE * size);
  for (size_t first = 0; first < columns; first += LF_TILE) {
    const size_t count = columns - first < LF_TILE ? columns - first : LF_TILE;
    for (size_t row = 0; row < rows; row++) {
      memcpy((char *)slot->data + (first * rows + row * LF_TILE) * size,
             (const char *)data + (row * columns + first) * size, count * size);
    }
  }
}

/* The file has [matrices, channels, segment]; here it is [matrices, segment, channels]. */
static void pack_conv(const lf_slot *slot, int32_t dtype, const void *data) {
  const size_t rows = lf_slot_rows(slot);
  const size_t columns = lf_slot_columns(slot);
  const size_t channels = lf_slot_matrix_rows(slot);
  float *out = slot->data;
  memset(out, 0, rows / channels * lf_pad(channels) * columns * sizeof *out);
  for (size_t row = 0; row < rows; row++) {
    float *channel = out + row / channels * columns * lf_pad(channels) + row % channels;
    for (size_t i = 0; i < columns; i++) {
      channel[i * lf_pad(channels)] = value_at(data, dtype, slot->scale, columns, row, i);
    }
  }
}

static void pack(const lf_slot *slot, int32_t dtype, const void *data) {
  const size_t columns = lf_slot_columns(slot);
  float *out = slot->data;
  switch (slot->kind) {
    case LF_SLOT_IDS:
    case LF_SLOT_STORED: memcpy(out, data, lf_slot_rows(slot) * columns * lf_dtype_bytes(dtype)); break;
    case LF_SLOT_VECTOR:
      memset(out, 0, lf_pad(columns) * sizeof *out);
      for (size_t i = 0; i < columns; i++) out[i] = value_at(data, dtype, NULL, columns, 0, i) * slot->factor;
      break;
    case LF_SLOT_LINEAR: pack_linear(slot, dtype, data); break;
    case LF_SLOT_LINEAR_INT8:
    case LF_SLOT_TILED_INT8: pack_int8(slot, dtype, data); break;
    case LF_SLOT_TILED: pack_tiles(slot, data); break;
    case LF_SLOT_CONV: pack_conv(slot, dtype, data); break;
  }
}

static lf_slot *find_slot(const lf_slots *slots, const char *name, size_t length) {
  for (int32_t i = 0; i < slots->n; i++) {
    if (same_name(name, length, slots->list[i].name)) return &slots->list[i];
  }
  return NULL;
}

/* The dtype is one that a slot, or its scale, can have. */
static int dtype_allowed(const lf_slot *slot, int32_t dtype, int is_scale) {
  if (slot->kind == LF_SLOT_IDS) return dtype == LF_I32;
  if (is_scale) return dtype == LF_F32;
  if (lf_slot_has_dtype(slot)) return dtype == slot->dtype;
  return dtype == LF_F32 || dtype == LF_F16 || (dtype == LF_I8 && lf_slot_has_scale(slot));
}

/* Ids ascend, from 0, below the limit. */
static int ids_allowed(const lf_slot *slot, const void *data) {
  int32_t before = -1;
  for (size_t i = 0; i < lf_slot_columns(slot); i++) {
    int32_t id;
    memcpy(&id, (const char *)data + i * sizeof id, sizeof id);
    if (id <= before || id >= slot->limit) return 0;
    before = id;
  }
  return 1;
}

lf_status lf_slots_set(const lf_slots *slots, const char *name, int32_t dtype, const int32_t *shape, int32_t n_dims,
                       const void *data, uint64_t data_bytes) {
  static const char suffix[] = ".scale";
  const size_t suffix_length = sizeof suffix - 1;
  if (name == NULL || shape == NULL || data == NULL) return LF_ERROR_STATE;
  size_t length = 0;
  while (length < LF_NAME_BYTES + sizeof suffix && name[length] != '\0') length++;

  lf_slot *slot = find_slot(slots, name, length);
  int is_scale = 0;
  if (slot == NULL && length > suffix_length && same_name(name + length - suffix_length, suffix_length, suffix)) {
    slot = find_slot(slots, name, length - suffix_length);
    is_scale = slot != NULL && lf_slot_has_scale(slot);
    if (!is_scale) slot = NULL;
  }
  if (slot == NULL) return LF_ERROR_NAME;

  if (!dtype_allowed(slot, dtype, is_scale)) return LF_ERROR_DTYPE;
  if (n_dims != slot->n_dims - is_scale) return LF_ERROR_SHAPE;
  for (int32_t i = 0; i < n_dims; i++) {
    if (shape[i] != slot->shape[i]) return LF_ERROR_SHAPE;
  }
  const uint64_t n = is_scale ? lf_slot_rows(slot) : (uint64_t)lf_slot_rows(slot) * lf_slot_columns(slot);
  if (data_bytes != n * lf_dtype_bytes(dtype)) return LF_ERROR_SIZE;
  if (!finite(data, dtype, n)) return LF_ERROR_VALUE;
  if (slot->kind == LF_SLOT_IDS && !ids_allowed(slot, data)) return LF_ERROR_TOKEN;

  if (is_scale) {
    memcpy(slot->scale, data, lf_slot_rows(slot) * sizeof *slot->scale);
    slot->has_scale = 1;
    return LF_OK;
  }
  if (dtype == LF_I8 && !slot->has_scale) return LF_ERROR_SCALE;
  pack(slot, dtype, data);
  slot->has_data = 1;
  return LF_OK;
}

const lf_slot *lf_slots_missing(const lf_slots *slots) {
  for (int32_t i = 0; i < slots->n; i++) {
    if (!slots->list[i].has_data) return &slots->list[i];
  }
  return NULL;
}

void lf_widen(float *out, const lf_stored *matrix, size_t index, size_t row, size_t n) {
  switch (matrix->dtype) {
    case LF_F16: lf_widen_f16(out, (const uint16_t *)matrix->data + index, n); break;
    case LF_I8: lf_widen_i8(out, (const int8_t *)matrix->data + index, matrix->scale[row], n); break;
    default: memcpy(out, (const float *)matrix->data + index, n * sizeof *out); break;
  }
}
