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

/* A row of the file's matrix, or a vector. */
typedef struct lf_values {
  const uint8_t *data;
  int32_t dtype;
  float scale; /* for I8 */
} lf_values;

static float value_at(lf_values row, size_t i) {
  const uint8_t *bytes = row.data + i * lf_dtype_bytes(row.dtype);
  float value = 0.0f;
  switch (row.dtype) {
    case LF_F16: {
      uint16_t half;
      memcpy(&half, bytes, sizeof half);
      lf_widen_f16(&value, &half, 1);
      break;
    }
    case LF_I8: lf_widen_i8(&value, (const int8_t *)bytes, row.scale, 1); break;
    default: memcpy(&value, bytes, sizeof value); break;
  }
  return value;
}

/* ---- packing: some rows of a tensor, which come one piece after another ---- */

/* Rows first .. first + n - 1 of a tensor of the file; of a vector, values. */
typedef struct lf_piece {
  const void *data;
  int32_t dtype;
  size_t first, n;
} lf_piece;

/* The i-th row of the piece. */
static lf_values row_of(const lf_slot *slot, const lf_piece *piece, size_t i) {
  return (lf_values){.data = (const uint8_t *)piece->data + i * lf_slot_columns(slot) * lf_dtype_bytes(piece->dtype),
                     .dtype = piece->dtype,
                     .scale = piece->dtype == LF_I8 ? slot->scale[piece->first + i] : 1.0f};
}

/* The file has [n_out, n_in]; panels have LF_LANES outputs of one input side by side. */
static void pack_linear(const lf_slot *slot, const lf_piece *piece) {
  const size_t columns = lf_slot_columns(slot);
  const float factor = slot->factor;
  for (size_t i = 0; i < piece->n; i++) {
    const size_t row = piece->first + i;
    const lf_values values = row_of(slot, piece, i);
    float *panel = (float *)slot->data + row / LF_LANES * columns * LF_LANES;
    if (row % LF_LANES == 0) memset(panel, 0, columns * LF_LANES * sizeof *panel);
    float *lane = panel + row % LF_LANES;
    for (size_t j = 0; j < columns; j++) lane[j * LF_LANES] = value_at(values, j) * factor;
  }
}

/* The scale of a quantised row: the file's for I8; other dtypes are rounded to 8 bits here. */
static float row_scale(lf_values row, size_t columns) {
  if (row.dtype == LF_I8) return row.scale;
  float largest = 0.0f;
  for (size_t j = 0; j < columns; j++) {
    const float value = value_at(row, j);
    const float magnitude = value < 0.0f ? -value : value;
    largest = largest < magnitude ? magnitude : largest;
  }
  return lf_weight_scale(largest);
}

/* Each row becomes an output of a quantised matrix, or of one for every LF_TILE columns. */
static void pack_int8(const lf_slot *slot, const lf_piece *piece) {
  const lf_quantised_panels *out = &slot->quantised;
  const size_t columns = lf_slot_columns(slot);
  const size_t matrix_rows = lf_slot_matrix_rows(slot);
  const size_t panel_rows = lf_slot_panel_rows(slot);
  const size_t width = slot->kind == LF_SLOT_LINEAR_INT8 ? columns : LF_TILE;
  const size_t n_matrices = (columns + width - 1) / width;
  const size_t matrix_bytes = panel_rows * lf_pad_group(width);
  const size_t panel_stride = out->panel_stride;
  for (size_t i = 0; i < piece->n; i++) {
    const size_t row = piece->first + i;
    const size_t to = row / matrix_rows * lf_pad(matrix_rows) + row % matrix_rows;
    const int is_first = to % LF_LANES == 0; /* of its panel, which it clears */
    const lf_values values = row_of(slot, piece, i);
    const float scale = row_scale(values, columns);
    if (is_first) memset(out->scale + to, 0, LF_LANES * sizeof *out->scale);
    out->scale[to] = scale * slot->factor;
    for (size_t m = 0; m < n_matrices; m++) {
      const size_t first = m * width;
      const size_t count = columns - first < width ? columns - first : width;
      int8_t *matrix = out->data + m * matrix_bytes;
      float *sums = out->sum + m * panel_rows;
      if (is_first) {
        memset(matrix + to / LF_LANES * panel_stride, 0, panel_stride);
        memset(sums + to, 0, LF_LANES * sizeof *sums);
      }
      int32_t sum = 0;
      for (size_t j = 0; j < count; j++) {
        const int8_t value = values.dtype == LF_I8 ? ((const int8_t *)values.data)[first + j]
                                                   : lf_quantise_weight(value_at(values, first + j), scale);
        matrix[lf_quantised_index(panel_stride, to, j)] = value;
        sum += value;
      }
      sums[to] = (float)sum;
    }
  }
}

/* Row after row, in pieces of LF_TILE columns: [n_tiles, rows, LF_TILE]. */
static void pack_tiles(const lf_slot *slot, const lf_piece *piece) {
  const size_t rows = lf_slot_rows(slot);
  const size_t columns = lf_slot_columns(slot);
  const size_t size = lf_dtype_bytes(slot->dtype);
  for (size_t first = 0; first < columns; first += LF_TILE) {
    const size_t count = columns - first < LF_TILE ? columns - first : LF_TILE;
    for (size_t i = 0; i < piece->n; i++) {
      char *out = (char *)slot->data + (first * rows + (piece->first + i) * LF_TILE) * size;
      memcpy(out, (const char *)piece->data + (i * columns + first) * size, count * size);
      memset(out + count * size, 0, (LF_TILE - count) * size);
    }
  }
}

/* The file has [matrices, channels, segment]; here it is [matrices, segment, channels]. */
static void pack_conv(const lf_slot *slot, const lf_piece *piece) {
  const size_t columns = lf_slot_columns(slot);
  const size_t channels = lf_slot_matrix_rows(slot);
  const size_t padded = lf_pad(channels);
  for (size_t i = 0; i < piece->n; i++) {
    const size_t row = piece->first + i;
    const lf_values values = row_of(slot, piece, i);
    const size_t is_last = row % channels + 1 == channels; /* of its matrix: the padding is behind it */
    float *channel = (float *)slot->data + row / channels * columns * padded + row % channels;
    for (size_t j = 0; j < columns; j++, channel += padded) {
      *channel = value_at(values, j);
      if (is_last) memset(channel + 1, 0, (padded - channels) * sizeof *channel);
    }
  }
}

static void pack_vector(const lf_slot *slot, const lf_piece *piece) {
  const size_t columns = lf_slot_columns(slot);
  const lf_values values = {.data = piece->data, .dtype = piece->dtype};
  float *out = slot->data;
  for (size_t i = 0; i < piece->n; i++) {
    out[piece->first + i] = value_at(values, i) * slot->factor;
  }
  memset(out + columns, 0, (lf_pad(columns) - columns) * sizeof *out);
}

/* As the file has them. */
static void pack_stored(const lf_slot *slot, const lf_piece *piece, size_t row_bytes) {
  memcpy((char *)slot->data + piece->first * row_bytes, piece->data, piece->n * row_bytes);
}

static void pack(const lf_slot *slot, const lf_piece *piece) {
  switch (slot->kind) {
    case LF_SLOT_IDS: pack_stored(slot, piece, sizeof(int32_t)); break;
    case LF_SLOT_STORED: pack_stored(slot, piece, lf_slot_columns(slot) * lf_dtype_bytes(piece->dtype)); break;
    case LF_SLOT_VECTOR: pack_vector(slot, piece); break;
    case LF_SLOT_LINEAR: pack_linear(slot, piece); break;
    case LF_SLOT_LINEAR_INT8:
    case LF_SLOT_TILED_INT8: pack_int8(slot, piece); break;
    case LF_SLOT_TILED: pack_tiles(slot, piece); break;
    case LF_SLOT_CONV: pack_conv(slot, piece); break;
  }
}

/* ---- setting ---- */

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

/* Ids ascend, from 0, below the limit; those of a piece go on from the ones before it. */
static int ids_allowed(const lf_slot *slot, const lf_piece *piece) {
  int32_t before = piece->first > 0 ? ((const int32_t *)slot->data)[piece->first - 1] : -1;
  for (size_t i = 0; i < piece->n; i++) {
    int32_t id;
    memcpy(&id, (const char *)piece->data + i * sizeof id, sizeof id);
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
  /* A piece is some rows; of what has one dimension and is no matrix, some values. */
  const int is_vector = is_scale || slot->kind == LF_SLOT_VECTOR || slot->kind == LF_SLOT_IDS;
  const size_t columns = is_vector ? 1 : lf_slot_columns(slot);
  const size_t rows = is_vector && !is_scale ? lf_slot_columns(slot) : lf_slot_rows(slot);
  const uint64_t row_bytes = (uint64_t)columns * lf_dtype_bytes(dtype);
  size_t *done = is_scale ? &slot->scales_done : &slot->rows_done;
  const uint64_t given = data_bytes / row_bytes;
  if (given == 0 || data_bytes % row_bytes != 0 || given > rows - *done) return LF_ERROR_SIZE;
  const lf_piece piece = {.data = data, .dtype = dtype, .first = *done, .n = (size_t)given};
  if (!finite(data, dtype, given * columns)) return LF_ERROR_VALUE;
  if (slot->kind == LF_SLOT_IDS && !ids_allowed(slot, &piece)) return LF_ERROR_TOKEN;
  if (dtype == LF_I8 && !slot->has_scale) return LF_ERROR_SCALE;

  if (is_scale) {
    memcpy(slot->scale + piece.first, data, piece.n * sizeof *slot->scale);
  } else {
    pack(slot, &piece);
  }
  const int complete = piece.first + piece.n == rows;
  *done = complete ? 0 : piece.first + piece.n;
  *(is_scale ? &slot->has_scale : &slot->has_data) = complete;
  return complete ? LF_OK : LF_MORE;
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
