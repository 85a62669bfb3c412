/* tokenizer.h - the state of the tokenizer (internal)
 *
 * Text flows one way through three files, and what is not certain yet waits in the state between two feeds:
 *
 *     tokenizer.c      bytes -> code points -> lower case
 *     pretokenizer.c   code points -> words
 *     bpe.c            words -> tokens
 */
#ifndef LF_TOKENIZER_H
#define LF_TOKENIZER_H

#include "arena.h"
#include "linformer.h"
#include "unicode.h"

enum {
  LF_TOKEN_BYTES = 256,  /* longest token of a vocabulary, in bytes */
  LF_WORD_BYTES = 128,   /* words up to this length are merged at once, longer ones are streamed */
  LF_STREAM_BYTES = 4096 /* bytes of a long word that can wait for their tokens to become certain */
};

/* Where a byte of a word comes from: UTF-16 offset of its character, with LF_WIDE set if that is two units long. */
typedef uint32_t lf_origin;
#define LF_WIDE 0x80000000u

/* A merge: `left` followed by `right` becomes `joined`. Its index in the list is its rank. */
typedef struct lf_merge {
  uint32_t left, right, joined;
} lf_merge;

/* A short word seen before and its tokens. */
enum { LF_CACHED_BYTES = 15, LF_CACHED_TOKENS = 4, LF_CACHED_WORDS = 2048 };
typedef struct lf_cached_word {
  uint8_t bytes[LF_CACHED_BYTES];
  uint8_t length;                 /* 0: empty */
  uint32_t ids[LF_CACHED_TOKENS]; /* LF_NO_TOKEN after the last one */
} lf_cached_word;

/* Whether two tokens can be neighbours; key is left << 22 | right << 1 | answer, plus 1 << 44. */
enum { LF_CACHED_PAIRS = 2048 };

#define LF_NO_TOKEN 0xffffffffu

/* What the current word is made of, see pretokenizer.c. */
typedef enum lf_word_kind {
  LF_WORD_EMPTY,
  LF_WORD_LETTERS,
  LF_WORD_NUMBERS,
  LF_WORD_OTHERS,
  LF_WORD_SPACES,     /* the last white space is in `held` */
  LF_WORD_APOSTROPHE, /* an apostrophe at the start of a word */
  LF_WORD_CONTRACTION /* an apostrophe and then r, v or l, which is in `held` */
} lf_word_kind;

/* A character on its way: its UTF-8 bytes and origin. */
typedef struct lf_character {
  uint32_t code_point;
  lf_origin origin;
} lf_character;

struct lf_tokenizer {
  /* The vocabulary. */
  int32_t vocab_size, n_merges;
  uint32_t longest; /* bytes of the longest token */
  int32_t lowercase;
  int32_t ready; /* all tables are whole */
  int32_t n_tokens_indexed, n_merges_indexed;
  uint64_t work;       /* comparisons and lookups so far; nothing but its growth means anything */
  uint64_t work_limit; /* of the long word at hand */
  uint8_t *vocab;      /* bytes of all tokens */
  uint32_t *offsets;   /* [vocab_size + 1] */
  lf_merge *merges;    /* [n_merges] in order of rank */
  uint32_t *by_bytes;  /* [table_size] open-addressing table of token ids by their bytes */
  uint32_t *by_pair;   /* [pair_size] open-addressing table of merges by left and right */
  uint32_t table_mask, pair_mask;
  uint32_t byte_ids[256]; /* token of each single byte */
  lf_cached_word *words;  /* [LF_CACHED_WORDS] */
  uint64_t *pairs;        /* [LF_CACHED_PAIRS] */

  /* Bytes to characters: a character whose bytes have not all come. */
  uint32_t code_point;
  int32_t bytes_missing, bytes_seen;
  uint8_t lowest, highest; /* limits of its next byte */
  uint32_t position;       /* UTF-16 units so far */

  /* Characters to words. */
  lf_word_kind kind;
  lf_character held;
  uint8_t word[LF_WORD_BYTES];
  lf_origin word_origin[LF_WORD_BYTES];
  uint32_t word_length;
  int32_t streaming; /* the word is long: its bytes are in the stream */

  /* A long word, see bpe.c. Position 0 lies behind the tokens that have been given out. */
  uint8_t *stream;          /* [LF_STREAM_BYTES] */
  lf_origin *stream_origin; /* [LF_STREAM_BYTES] */
  uint32_t *last;           /* [LF_STREAM_BYTES + 1] last token of the first i bytes */
  uint32_t stream_length;

  /* Out. */
  uint8_t *text;    /* [LF_TEXT_CHUNK] */
  int32_t n_left;   /* bytes of it that the last feed has not taken */
  lf_token *tokens; /* [LF_TOKENS_OUT] */
  int32_t n_tokens;
  lf_status status;
};

/* Work after which a call comes back: a few milliseconds, and more than any usual vocabulary makes of LF_TEXT_CHUNK
 * bytes. */
enum { LF_WORK_SLICE = 1 << 22 };

/* A byte of text becomes at most 3 bytes of words (U+FFFD for a byte that is not UTF-8), and each of them at most one
 * token; what has waited comes on top. */
enum { LF_TOKENS_OUT = 3 * LF_TEXT_CHUNK + LF_STREAM_BYTES + LF_WORD_BYTES + 16 };

/* ---- pretokenizer.c ---- */
void lf_take_character(lf_tokenizer *tokenizer, lf_character character);
void lf_end_of_text(lf_tokenizer *tokenizer);

/* ---- bpe.c ---- */
uint32_t lf_find_token(lf_tokenizer *tokenizer, const uint8_t *bytes, uint32_t length);
/* To by_bytes; 0 if its bytes or too many like them are there. */
int lf_add_token(lf_tokenizer *tokenizer, uint32_t id);
/* To by_pair; 0 if its pair or too many like it are there. */
int lf_add_merge(lf_tokenizer *tokenizer, uint32_t rank);
void lf_take_byte(lf_tokenizer *tokenizer, uint8_t byte, lf_origin origin);
void lf_end_word(lf_tokenizer *tokenizer);

static inline uint32_t lf_token_length(const lf_tokenizer *tokenizer, uint32_t id) {
  return tokenizer->offsets[id + 1] - tokenizer->offsets[id];
}

#endif /* LF_TOKENIZER_H */
