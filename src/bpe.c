/* bpe.c - the bytes of a word to tokens, by byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909)
 *
 * A word starts as single bytes. Of all neighbours that a merge joins, the pair whose merge has the lowest rank is joined,
 * the leftmost first, until no merge applies. A short word is encoded just so.
 *
 * A long word is encoded while it streams in, in constant memory and linear time, by this:
 *
 *     BPE(s) = t1 .. tn  if and only if  BPE(t1) = t1 and BPE(ti t(i+1)) = ti t(i+1) for every pair of neighbours.
 *
 * If all pairs hold, look at the first joining that crosses a border, between ti and t(i+1): until then what happened
 * inside these two is what BPE(ti t(i+1)) does, which would join there too, against the premise. The other way round,
 * what the joinings of s do inside a part whose borders they never cross is that part's own BPE. So the encoding of the
 * first i bytes ends in the one token that ends there and may follow the encoding of the bytes before it: `last[i]`.
 * Whether two tokens may be neighbours is found by joining them as a short word, and remembered.
 *
 * The encodings of the longest prefixes that a later token can still follow soon share all but their last few tokens;
 * what they share is certain and is given out. */
#include <string.h>

#include "tokenizer.h"

/* ---- tables ---- */

/* Tokens are hashed from their last byte to their first, so that a suffix is looked up by adding one byte to the hash of
 * the next shorter one (the steps of FNV-1a, from a start of our own). */
static uint32_t hash_byte(uint32_t hash, uint8_t byte) { return (hash ^ byte) * 16777619u; }
enum { HASH_START = 0x11c9dc5 };

/* The low bits of the product depend on the low bits of the input alone. */
static uint32_t spread(uint32_t hash) { return hash ^ hash >> 15; }

/* Farthest that an entry lies from the slot that its hash names. In a table that is at most half full the longest way of
 * 2^20 random entries is about 70 (ln n / (ln 2 - 1/2)); a vocabulary made of tokens that collide is refused instead of
 * taking quadratic time, and no lookup takes longer than this. */
enum { MOST_PROBES = 256 };

static uint32_t find_hashed(lf_tokenizer *tokenizer, const uint8_t *bytes, uint32_t length, uint32_t hash) {
  for (uint32_t probe = 0; probe < MOST_PROBES; probe++) {
    const uint32_t id = tokenizer->by_bytes[(spread(hash) + probe) & tokenizer->table_mask];
    tokenizer->work++;
    if (id == LF_NO_TOKEN) return LF_NO_TOKEN;
    if (lf_token_length(tokenizer, id) != length) continue;
    const uint8_t *token = tokenizer->vocab + tokenizer->offsets[id];
    uint32_t i = 0;
    while (i < length && token[i] == bytes[i]) i++;
    tokenizer->work += i;
    if (i == length) return id;
  }
  return LF_NO_TOKEN;
}

/* Puts `value` into the first empty slot that `hash` leads to; 0 if all within reach are taken. */
static int insert(uint32_t *table, uint32_t mask, uint32_t hash, uint32_t value) {
  for (uint32_t probe = 0; probe < MOST_PROBES; probe++) {
    uint32_t *slot = &table[(hash + probe) & mask];
    if (*slot != LF_NO_TOKEN) continue;
    *slot = value;
    return 1;
  }
  return 0;
}

uint32_t lf_find_token(lf_tokenizer *tokenizer, const uint8_t *bytes, uint32_t length) {
  uint32_t hash = HASH_START;
  for (uint32_t i = length; i > 0; i--) hash = hash_byte(hash, bytes[i - 1]);
  return find_hashed(tokenizer, bytes, length, hash);
}

int lf_add_token(lf_tokenizer *tokenizer, uint32_t id) {
  const uint8_t *bytes = tokenizer->vocab + tokenizer->offsets[id];
  const uint32_t length = lf_token_length(tokenizer, id);
  uint32_t hash = HASH_START;
  for (uint32_t i = length; i > 0; i--) hash = hash_byte(hash, bytes[i - 1]);
  if (find_hashed(tokenizer, bytes, length, hash) != LF_NO_TOKEN) return 0;
  return insert(tokenizer->by_bytes, tokenizer->table_mask, spread(hash), id);
}

static uint32_t pair_hash(uint32_t left, uint32_t right) {
  return spread((left * 0x9e3779b1u) ^ (right * 0x85ebca77u));
}

/* Rank of the merge of this pair, or LF_NO_TOKEN. */
static uint32_t find_merge(lf_tokenizer *tokenizer, uint32_t left, uint32_t right) {
  const uint32_t hash = pair_hash(left, right);
  for (uint32_t probe = 0; probe < MOST_PROBES; probe++) {
    const uint32_t rank = tokenizer->by_pair[(hash + probe) & tokenizer->pair_mask];
    tokenizer->work++;
    if (rank == LF_NO_TOKEN) return LF_NO_TOKEN;
    if (tokenizer->merges[rank].left == left && tokenizer->merges[rank].right == right) return rank;
  }
  return LF_NO_TOKEN;
}

int lf_add_merge(lf_tokenizer *tokenizer, uint32_t rank) {
  const lf_merge *merge = &tokenizer->merges[rank];
  if (find_merge(tokenizer, merge->left, merge->right) != LF_NO_TOKEN) return 0;
  return insert(tokenizer->by_pair, tokenizer->pair_mask, pair_hash(merge->left, merge->right), rank);
}

/* ---- short words ---- */

enum { MERGED_BYTES = 2 * LF_TOKEN_BYTES }; /* a word, or two tokens side by side */

/* Encodes `length` bytes, at most MERGED_BYTES, into `ids`. Returns the number of tokens. */
static uint32_t merge_bytes(lf_tokenizer *tokenizer, const uint8_t *bytes, uint32_t length, uint32_t *ids) {
  uint32_t ranks[MERGED_BYTES]; /* of the merge of ids[i] and ids[i + 1], or LF_NO_TOKEN */
  uint32_t n = length;
  for (uint32_t i = 0; i < n; i++) ids[i] = tokenizer->byte_ids[bytes[i]];
  for (uint32_t i = 0; i + 1 < n; i++) ranks[i] = find_merge(tokenizer, ids[i], ids[i + 1]);
  while (n > 1) {
    uint32_t best = 0;
    for (uint32_t i = 1; i + 1 < n; i++) {
      if (ranks[i] < ranks[best]) best = i;
    }
    tokenizer->work += n;
    if (ranks[best] == LF_NO_TOKEN) break;
    ids[best] = tokenizer->merges[ranks[best]].joined;
    n--;
    for (uint32_t i = best + 1; i < n; i++) {
      ids[i] = ids[i + 1];
      if (i + 1 < n) ranks[i] = ranks[i + 1];
    }
    if (best + 1 < n) ranks[best] = find_merge(tokenizer, ids[best], ids[best + 1]);
    if (best > 0) ranks[best - 1] = find_merge(tokenizer, ids[best - 1], ids[best]);
  }
  return n;
}

static void write_token(lf_token *token, uint32_t id, lf_origin first, lf_origin last) {
  token->id = (int32_t)id;
  token->start = first & ~LF_WIDE;
  token->end = (last & ~LF_WIDE) + (last & LF_WIDE ? 2 : 1);
}

/* Gives out the tokens of the word. */
static void give_out_word(lf_tokenizer *tokenizer, const uint32_t *ids, uint32_t n) {
  uint32_t at = 0;
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t end = at + lf_token_length(tokenizer, ids[i]);
    write_token(&tokenizer->tokens[tokenizer->n_tokens++], ids[i], tokenizer->word_origin[at],
                tokenizer->word_origin[end - 1]);
    at = end;
  }
}

static void encode_word(lf_tokenizer *tokenizer) {
  const uint32_t length = tokenizer->word_length;
  uint32_t ids[MERGED_BYTES];
  if (length > LF_CACHED_BYTES) {
    give_out_word(tokenizer, ids, merge_bytes(tokenizer, tokenizer->word, length, ids));
    return;
  }
  uint32_t hash = HASH_START;
  for (uint32_t i = 0; i < length; i++) hash = hash_byte(hash, tokenizer->word[i]);
  lf_cached_word *cached = &tokenizer->words[spread(hash) % LF_CACHED_WORDS];
  uint32_t same = 0;
  while (same < length && cached->bytes[same] == tokenizer->word[same]) same++;
  if (same == length && cached->length == length) {
    uint32_t n = 0;
    while (n < LF_CACHED_TOKENS && cached->ids[n] != LF_NO_TOKEN) n++;
    give_out_word(tokenizer, cached->ids, n);
    return;
  }
  const uint32_t n = merge_bytes(tokenizer, tokenizer->word, length, ids);
  give_out_word(tokenizer, ids, n);
  if (n <= LF_CACHED_TOKENS) {
    cached->length = (uint8_t)length;
    memcpy(cached->bytes, tokenizer->word, length);
    for (uint32_t i = 0; i < LF_CACHED_TOKENS; i++) cached->ids[i] = i < n ? ids[i] : LF_NO_TOKEN;
  }
}

/* ---- long words ---- */

/* Whether BPE keeps these two apart and whole; `left` may be LF_NO_TOKEN, the start of the word. */
static int may_follow(lf_tokenizer *tokenizer, uint32_t left, uint32_t right) {
  const uint64_t key = (uint64_t)1 << 44 | (uint64_t)(left & 0x1fffff) << 22 | (uint64_t)right << 1;
  uint64_t *cached = &tokenizer->pairs[pair_hash(left, right) % LF_CACHED_PAIRS];
  if ((*cached & ~(uint64_t)1) == key) return (int)(*cached & 1);

  uint8_t bytes[MERGED_BYTES];
  uint32_t ids[MERGED_BYTES];
  const uint32_t left_length = left == LF_NO_TOKEN ? 0 : lf_token_length(tokenizer, left);
  const uint32_t right_length = lf_token_length(tokenizer, right);
  if (left != LF_NO_TOKEN) memcpy(bytes, tokenizer->vocab + tokenizer->offsets[left], left_length);
  memcpy(bytes + left_length, tokenizer->vocab + tokenizer->offsets[right], right_length);
  const uint32_t n = merge_bytes(tokenizer, bytes, left_length + right_length, ids);
  const int apart = left == LF_NO_TOKEN ? n == 1 && ids[0] == right : n == 2 && ids[0] == left && ids[1] == right;
  *cached = key | (uint64_t)apart;
  return apart;
}

/* Gives out the tokens of the first `end` bytes of the stream; the bytes behind them move to its start. */
static void give_out_stream(lf_tokenizer *tokenizer, uint32_t end) {
  if (end == 0) return;
  int32_t n = 0;
  for (uint32_t at = end; at > 0; at -= lf_token_length(tokenizer, tokenizer->last[at])) n++;
  lf_token *out = tokenizer->tokens + tokenizer->n_tokens + n;
  for (uint32_t at = end; at > 0;) {
    const uint32_t id = tokenizer->last[at];
    const uint32_t start = at - lf_token_length(tokenizer, id);
    write_token(--out, id, tokenizer->stream_origin[start], tokenizer->stream_origin[at - 1]);
    at = start;
  }
  tokenizer->n_tokens += n;
  const uint32_t left = tokenizer->stream_length - end;
  memmove(tokenizer->stream, tokenizer->stream + end, left);
  memmove(tokenizer->stream_origin, tokenizer->stream_origin + end, left * sizeof *tokenizer->stream_origin);
  memmove(tokenizer->last, tokenizer->last + end, (left + 1) * sizeof *tokenizer->last);
  tokenizer->stream_length = left;
}

/* The last border that the encodings of all prefixes within reach of a later token have in common. */
static uint32_t common_border(const lf_tokenizer *tokenizer) {
  uint32_t border = tokenizer->stream_length;
  for (uint32_t reach = 1; reach < tokenizer->longest && reach < tokenizer->stream_length; reach++) {
    uint32_t other = tokenizer->stream_length - reach;
    while (border != other) {
      uint32_t *later = border > other ? &border : &other;
      *later -= lf_token_length(tokenizer, tokenizer->last[*later]);
    }
  }
  return border;
}

/* What a byte of a long word may cost, and what a word may have saved up while its bytes were cheap. A vocabulary of
 * every substring of a text, of up to LF_TOKEN_BYTES each, comes to 10^8 a byte; usual ones stay below 10^3, and one
 * learned on text without spaces below 10^4. */
enum { WORK_PER_BYTE = 1 << 16, WORK_SAVED = 1 << 23 };

static void stream_byte(lf_tokenizer *tokenizer, uint8_t byte, lf_origin origin) {
  if (tokenizer->status != LF_OK) return;
  tokenizer->work_limit += WORK_PER_BYTE;
  if (tokenizer->work_limit > tokenizer->work + WORK_SAVED) tokenizer->work_limit = tokenizer->work + WORK_SAVED;
  if (tokenizer->stream_length == LF_STREAM_BYTES) {
    const uint32_t border = common_border(tokenizer);
    if (border < LF_STREAM_BYTES / 2) { /* a vocabulary made so that a word's end decides about its start */
      tokenizer->status = LF_ERROR_TOKENIZER;
      return;
    }
    give_out_stream(tokenizer, border);
  }
  const uint32_t end = tokenizer->stream_length + 1;
  tokenizer->stream[end - 1] = byte;
  tokenizer->stream_origin[end - 1] = origin;
  tokenizer->stream_length = end;

  uint32_t hash = HASH_START;
  for (uint32_t length = 1; length <= end && length <= tokenizer->longest; length++) {
    const uint32_t start = end - length;
    hash = hash_byte(hash, tokenizer->stream[start]);
    const uint32_t id = find_hashed(tokenizer, tokenizer->stream + start, length, hash);
    if (id != LF_NO_TOKEN && may_follow(tokenizer, tokenizer->last[start], id)) {
      tokenizer->last[end] = id;
      return;
    }
    if (tokenizer->work > tokenizer->work_limit)
      break; /* a vocabulary made so that most of its tokens are tried in vain */
  }
  tokenizer->status = LF_ERROR_TOKENIZER; /* or, which cannot be, a byte that is no token */
}

/* ---- words as they come ---- */

void lf_take_byte(lf_tokenizer *tokenizer, uint8_t byte, lf_origin origin) {
  if (!tokenizer->streaming && tokenizer->word_length < LF_WORD_BYTES) {
    tokenizer->word[tokenizer->word_length] = byte;
    tokenizer->word_origin[tokenizer->word_length++] = origin;
    return;
  }
  if (!tokenizer->streaming) {
    tokenizer->streaming = 1;
    tokenizer->stream_length = 0;
    tokenizer->work_limit = tokenizer->work + WORK_SAVED;
    tokenizer->last[0] = LF_NO_TOKEN;
    for (uint32_t i = 0; i < tokenizer->word_length; i++) {
      stream_byte(tokenizer, tokenizer->word[i], tokenizer->word_origin[i]);
    }
  }
  stream_byte(tokenizer, byte, origin);
}

void lf_end_word(lf_tokenizer *tokenizer) {
  if (tokenizer->streaming) {
    if (tokenizer->status == LF_OK) give_out_stream(tokenizer, tokenizer->stream_length);
    tokenizer->streaming = 0;
  } else if (tokenizer->word_length > 0) {
    encode_word(tokenizer);
  }
  tokenizer->word_length = 0;
}
