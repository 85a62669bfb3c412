/* tokenizer.c - byte-level BPE as Hugging Face `tokenizers` does it: memory, tables, and bytes to characters */
#include "tokenizer.h"

#include <string.h>

/* ---- memory and tables ---- */

/* Slots of an open-addressing table for n entries: a power of two, at most half full. */
static uint32_t table_size(int32_t n) {
  uint32_t size = 16;
  while (size < 2 * (uint32_t)n) size *= 2;
  return size;
}

static int sizes_allowed(int32_t vocab_size, int32_t n_merges, int32_t vocab_bytes) {
  return vocab_size >= 256 && vocab_size <= 1 << 20 && n_merges >= 0 && n_merges <= 1 << 20 && vocab_bytes >= 256 &&
         vocab_bytes <= 1 << 26;
}

/* Lays a tokenizer out from `base`, or with a base of NULL only counts. Returns the bytes it takes. */
static uint64_t carve(uint8_t *base, int32_t vocab_size, int32_t n_merges, int32_t vocab_bytes) {
  lf_arena arena = {.base = base};
  lf_tokenizer counted;
  lf_tokenizer *tokenizer = lf_arena_take(&arena, 1, sizeof(lf_tokenizer));
  if (tokenizer == NULL) tokenizer = &counted;
  memset(tokenizer, 0, sizeof *tokenizer);
  const uint32_t tokens = table_size(vocab_size);
  const uint32_t pairs = table_size(n_merges);
  tokenizer->vocab_size = vocab_size;
  tokenizer->n_merges = n_merges;
  tokenizer->table_mask = tokens - 1;
  tokenizer->pair_mask = pairs - 1;
  tokenizer->vocab = lf_arena_take(&arena, (uint64_t)vocab_bytes, 1);
  tokenizer->offsets = lf_arena_take(&arena, (uint64_t)vocab_size + 1, sizeof(uint32_t));
  tokenizer->merges = lf_arena_take(&arena, (uint64_t)n_merges, sizeof(lf_merge));
  tokenizer->by_bytes = lf_arena_take(&arena, tokens, sizeof(uint32_t));
  tokenizer->by_pair = lf_arena_take(&arena, pairs, sizeof(uint32_t));
  tokenizer->words = lf_arena_take(&arena, LF_CACHED_WORDS, sizeof(lf_cached_word));
  tokenizer->pairs = lf_arena_take(&arena, LF_CACHED_PAIRS, sizeof(uint64_t));
  tokenizer->stream = lf_arena_take(&arena, LF_STREAM_BYTES, 1);
  tokenizer->stream_origin = lf_arena_take(&arena, LF_STREAM_BYTES, sizeof(lf_origin));
  tokenizer->last = lf_arena_take(&arena, LF_STREAM_BYTES + 1, sizeof(uint32_t));
  tokenizer->text = lf_arena_take(&arena, LF_TEXT_CHUNK, 1);
  tokenizer->tokens = lf_arena_take(&arena, LF_TOKENS_OUT, sizeof(lf_token));
  return arena.used;
}

uint64_t lf_tokenizer_bytes(int32_t vocab_size, int32_t n_merges, int32_t vocab_bytes) {
  return sizes_allowed(vocab_size, n_merges, vocab_bytes) ? carve(NULL, vocab_size, n_merges, vocab_bytes) : 0;
}

static lf_status add_token(lf_tokenizer *tokenizer, uint32_t id) {
  const uint32_t *offsets = tokenizer->offsets;
  if (offsets[id + 1] < offsets[id] || offsets[id + 1] > offsets[tokenizer->vocab_size]) return LF_ERROR_TOKENIZER;
  const uint32_t length = lf_token_length(tokenizer, id);
  if (length > LF_TOKEN_BYTES) return LF_ERROR_TOKENIZER;
  if (length > tokenizer->longest) tokenizer->longest = length;
  tokenizer->work += length;
  return length == 0 || lf_add_token(tokenizer, id) ? LF_OK : LF_ERROR_TOKENIZER;
}

static lf_status find_bytes(lf_tokenizer *tokenizer) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    const uint8_t single = (uint8_t)byte;
    tokenizer->byte_ids[byte] = lf_find_token(tokenizer, &single, 1);
    if (tokenizer->byte_ids[byte] == LF_NO_TOKEN) return LF_ERROR_TOKENIZER;
  }
  return LF_OK;
}

static lf_status add_merge(lf_tokenizer *tokenizer, uint32_t rank) {
  lf_merge *merge = &tokenizer->merges[rank];
  const uint32_t pair[2] = {merge->left, merge->right};
  uint8_t joined[2 * LF_TOKEN_BYTES];
  uint32_t length = 0;
  for (int i = 0; i < 2; i++) {
    if (pair[i] >= (uint32_t)tokenizer->vocab_size) return LF_ERROR_TOKENIZER;
    const uint32_t part = lf_token_length(tokenizer, pair[i]);
    if (part == 0) return LF_ERROR_TOKENIZER;
    memcpy(joined + length, tokenizer->vocab + tokenizer->offsets[pair[i]], part);
    length += part;
  }
  tokenizer->work += length;
  merge->joined = lf_find_token(tokenizer, joined, length);
  return merge->joined != LF_NO_TOKEN && lf_add_merge(tokenizer, rank) ? LF_OK : LF_ERROR_TOKENIZER;
}

lf_status lf_tokenizer_index(lf_tokenizer *tokenizer) {
  const uint64_t end = tokenizer->work + LF_WORK_SLICE;
  lf_status status = LF_OK;
  while (status == LF_OK && !tokenizer->ready) {
    if (tokenizer->work >= end) return LF_MORE;
    if (tokenizer->n_tokens_indexed < tokenizer->vocab_size) {
      status = add_token(tokenizer, (uint32_t)tokenizer->n_tokens_indexed);
      if (status == LF_OK) tokenizer->n_tokens_indexed++;
    } else if (tokenizer->n_merges_indexed < tokenizer->n_merges) {
      status = add_merge(tokenizer, (uint32_t)tokenizer->n_merges_indexed);
      if (status == LF_OK) tokenizer->n_merges_indexed++;
    } else {
      status = find_bytes(tokenizer);
      tokenizer->ready = status == LF_OK;
      lf_tokenizer_begin(tokenizer);
    }
  }
  return status;
}

lf_status lf_tokenizer_init(lf_tokenizer *tokenizer, uint64_t bytes, const uint8_t *vocab, const uint32_t *offsets,
                            const uint32_t *merges, int32_t vocab_size, int32_t n_merges, int32_t vocab_bytes,
                            int32_t flags) {
  const uint64_t needed = lf_tokenizer_bytes(vocab_size, n_merges, vocab_bytes);
  if (needed == 0 || (flags & ~LF_TOKENIZER_LOWERCASE) != 0) return LF_ERROR_TOKENIZER;
  if (tokenizer == NULL || (uintptr_t)tokenizer % LF_ALIGN != 0 || bytes < needed) return LF_ERROR_MEMORY;
  carve((uint8_t *)tokenizer, vocab_size, n_merges, vocab_bytes);
  tokenizer->lowercase = flags & LF_TOKENIZER_LOWERCASE;
  memcpy(tokenizer->vocab, vocab, (size_t)vocab_bytes);
  memcpy(tokenizer->offsets, offsets, ((size_t)vocab_size + 1) * sizeof *offsets);
  for (size_t rank = 0; rank < (size_t)n_merges; rank++) {
    uint32_t pair[2];
    memcpy(pair, merges + 2 * rank, sizeof pair);
    tokenizer->merges[rank] = (lf_merge){.left = pair[0], .right = pair[1]};
  }
  memset(tokenizer->by_bytes, 0xff, ((size_t)tokenizer->table_mask + 1) * sizeof(uint32_t)); /* LF_NO_TOKEN */
  memset(tokenizer->by_pair, 0xff, ((size_t)tokenizer->pair_mask + 1) * sizeof(uint32_t));
  memset(tokenizer->words, 0, LF_CACHED_WORDS * sizeof *tokenizer->words);
  memset(tokenizer->pairs, 0, LF_CACHED_PAIRS * sizeof *tokenizer->pairs);
  lf_tokenizer_begin(tokenizer);
  if (offsets[0] != 0 || offsets[vocab_size] != (uint32_t)vocab_bytes) return LF_ERROR_TOKENIZER;
  return lf_tokenizer_index(tokenizer);
}

/* ---- bytes to characters ---- */

static void take_code_point(lf_tokenizer *tokenizer, uint32_t code_point) {
  lf_character character = {.code_point = code_point, .origin = tokenizer->position};
  if (code_point >= 0x10000) character.origin |= LF_WIDE;
  tokenizer->position += code_point >= 0x10000 ? 2 : 1;
  if (!tokenizer->lowercase) {
    lf_take_character(tokenizer, character);
  } else if (code_point == LF_CAPITAL_I_WITH_DOT) {
    character.code_point = 'i';
    lf_take_character(tokenizer, character);
    character.code_point = LF_COMBINING_DOT_ABOVE;
    lf_take_character(tokenizer, character);
  } else {
    if (code_point < 0x80) {
      if (code_point - 'A' < 26) character.code_point += 'a' - 'A';
    } else {
      character.code_point = lf_lower(code_point);
    }
    lf_take_character(tokenizer, character);
  }
}

/* The decoder of the WHATWG Encoding standard, section 8.1.1: one U+FFFD for each maximal part of a character. */
static void take_utf8(lf_tokenizer *tokenizer, uint8_t byte) {
  if (tokenizer->bytes_missing > 0) {
    if (byte >= tokenizer->lowest && byte <= tokenizer->highest) {
      tokenizer->code_point = tokenizer->code_point << 6 | (byte & 0x3f);
      tokenizer->lowest = 0x80;
      tokenizer->highest = 0xbf;
      if (--tokenizer->bytes_missing == 0) take_code_point(tokenizer, tokenizer->code_point);
      return;
    }
    tokenizer->bytes_missing = 0; /* the character breaks off here, and this byte starts another */
    take_code_point(tokenizer, 0xfffd);
  }
  tokenizer->lowest = 0x80;
  tokenizer->highest = 0xbf;
  if (byte < 0x80) {
    take_code_point(tokenizer, byte);
  } else if (byte >= 0xc2 && byte <= 0xdf) {
    tokenizer->bytes_missing = 1;
    tokenizer->code_point = byte & 0x1f;
  } else if (byte >= 0xe0 && byte <= 0xef) {
    tokenizer->bytes_missing = 2;
    tokenizer->code_point = byte & 0x0f;
    if (byte == 0xe0) tokenizer->lowest = 0xa0;  /* no longer form of a shorter one */
    if (byte == 0xed) tokenizer->highest = 0x9f; /* no surrogate */
  } else if (byte >= 0xf0 && byte <= 0xf4) {
    tokenizer->bytes_missing = 3;
    tokenizer->code_point = byte & 0x07;
    if (byte == 0xf0) tokenizer->lowest = 0x90;
    if (byte == 0xf4) tokenizer->highest = 0x8f; /* nothing above U+10FFFF */
  } else {
    take_code_point(tokenizer, 0xfffd);
  }
}

/* The ASCII letters at the start of `text` that go on a word of letters, most of any text: what take_utf8 and all behind
 * it would do with them one by one. Returns how many there were. */
static int32_t take_letters(lf_tokenizer *tokenizer, const uint8_t *text, int32_t n) {
  if (tokenizer->kind != LF_WORD_LETTERS || tokenizer->streaming || tokenizer->bytes_missing > 0) return 0;
  const uint32_t start = tokenizer->word_length;
  const uint32_t room = LF_WORD_BYTES - start;
  const uint32_t most = (uint32_t)n < room ? (uint32_t)n : room;
  uint32_t i = 0;
  while (i < most && (text[i] | 0x20u) - 'a' < 26) {
    tokenizer->word[start + i] = tokenizer->lowercase ? text[i] | 0x20 : text[i];
    tokenizer->word_origin[start + i] = tokenizer->position + i;
    i++;
  }
  tokenizer->word_length += i;
  tokenizer->position += i;
  return (int32_t)i;
}

/* ---- the text ---- */

void lf_tokenizer_begin(lf_tokenizer *tokenizer) {
  tokenizer->bytes_missing = 0;
  tokenizer->position = 0;
  tokenizer->kind = LF_WORD_EMPTY;
  tokenizer->word_length = 0;
  tokenizer->streaming = 0;
  tokenizer->n_tokens = 0;
  tokenizer->n_left = 0;
  tokenizer->status = tokenizer->ready ? LF_OK : LF_ERROR_STATE;
}

uint8_t *lf_tokenizer_text(lf_tokenizer *tokenizer) { return tokenizer->text; }
int32_t lf_tokenizer_left(const lf_tokenizer *tokenizer) { return tokenizer->n_left; }

int32_t lf_tokenizer_feed(lf_tokenizer *tokenizer, int32_t n_bytes, int32_t final) {
  if (tokenizer->status != LF_OK) return (int32_t)tokenizer->status;
  if (n_bytes < 0 || n_bytes > LF_TEXT_CHUNK) return LF_ERROR_LENGTH;
  tokenizer->n_tokens = 0;
  const uint64_t end = tokenizer->work + LF_WORK_SLICE;
  int32_t i = 0;
  while (i < n_bytes && tokenizer->work < end) {
    i += take_letters(tokenizer, tokenizer->text + i, n_bytes - i);
    if (i < n_bytes) take_utf8(tokenizer, tokenizer->text[i++]);
  }
  tokenizer->n_left = n_bytes - i;
  memmove(tokenizer->text, tokenizer->text + i, (size_t)tokenizer->n_left);
  if (final && tokenizer->n_left == 0) {
    if (tokenizer->bytes_missing > 0) take_code_point(tokenizer, 0xfffd);
    tokenizer->bytes_missing = 0;
    lf_end_of_text(tokenizer);
  }
  return tokenizer->status == LF_OK ? tokenizer->n_tokens : (int32_t)tokenizer->status;
}

const lf_token *lf_tokenizer_tokens(const lf_tokenizer *tokenizer) { return tokenizer->tokens; }
