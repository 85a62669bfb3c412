/* unicode.h - what the pre-tokenizer and the lower-casing need to know about characters (internal) */
#ifndef LF_UNICODE_H
#define LF_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* The three classes of the pre-tokenizer's expression, \p{L}, \p{N} and \s, and what is none of them. */
typedef enum lf_class { LF_CLASS_OTHER = 0, LF_CLASS_LETTER = 1, LF_CLASS_NUMBER = 2, LF_CLASS_SPACE = 3 } lf_class;

/* Code points first, first + stride .. last have their lower case `difference` further on. */
typedef struct lf_lower_range {
  uint32_t first, last;
  int32_t stride, difference;
} lf_lower_range;

/* Made by tools/unicode_tables.py. A change is code point << 2 | class from there on, ascending. */
extern const uint32_t lf_class_changes[];
extern const size_t lf_class_change_count;
extern const lf_lower_range lf_lower_ranges[];
extern const size_t lf_lower_range_count;

/* The one character whose lower case is two, U+0069 U+0307. */
enum { LF_CAPITAL_I_WITH_DOT = 0x130, LF_COMBINING_DOT_ABOVE = 0x307 };

static inline lf_class lf_class_of(uint32_t code_point) {
  size_t low = 0;
  size_t high = lf_class_change_count; /* the change in force is in [low, high) */
  while (high - low > 1) {
    const size_t middle = low + (high - low) / 2;
    if (lf_class_changes[middle] >> 2 <= code_point) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return (lf_class)(lf_class_changes[low] & 3);
}

/* Lower case of a code point, itself if it has none; not for LF_CAPITAL_I_WITH_DOT. */
static inline uint32_t lf_lower(uint32_t code_point) {
  size_t low = 0;
  size_t high = lf_lower_range_count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const lf_lower_range *range = &lf_lower_ranges[middle];
    if (code_point < range->first) {
      high = middle;
    } else if (code_point > range->last) {
      low = middle + 1;
    } else {
      const uint32_t distance = code_point - range->first;
      return distance % (uint32_t)range->stride == 0 ? (uint32_t)((int32_t)code_point + range->difference) : code_point;
    }
  }
  return code_point;
}

#endif /* LF_UNICODE_H */
