/* test_tokenizer.c - byte-level BPE against a plain oracle over random vocabularies, and what the tokenizer refuses */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "linformer.h"
#include "random.h"
#include "tokenizer.h"

enum { MAX_VOCAB = 400, MAX_BYTES = 4096, MAX_MERGES = 140, TEXT = 1 << 14 };

typedef struct vocabulary {
  uint8_t bytes[MAX_BYTES];
  uint32_t offsets[MAX_VOCAB + 1];
  uint32_t merges[MAX_MERGES][2];
  int32_t size, n_merges;
} vocabulary;

/* The 256 single bytes behind one empty special token. */
static void single_bytes(vocabulary *v) {
  memset(v, 0, sizeof *v);
  v->size = 257;
  for (uint32_t i = 0; i < 256; i++) {
    v->bytes[i] = (uint8_t)i;
    v->offsets[i + 1] = i;
  }
  v->offsets[257] = 256;
}

static uint32_t length_of(const vocabulary *v, uint32_t id) { return v->offsets[id + 1] - v->offsets[id]; }

static uint32_t find(const vocabulary *v, const uint8_t *bytes, uint32_t length) {
  for (uint32_t id = 0; id < (uint32_t)v->size; id++) {
    if (length_of(v, id) == length && length > 0 && memcmp(v->bytes + v->offsets[id], bytes, length) == 0) return id;
  }
  return UINT32_MAX;
}

/* Adds the rule left + right, and its token unless another rule makes it too. */
static void add_rule(vocabulary *v, uint32_t left, uint32_t right) {
  uint8_t joined[600];
  const uint32_t a = length_of(v, left);
  const uint32_t b = length_of(v, right);
  if (v->n_merges == MAX_MERGES || v->size == MAX_VOCAB || a + b > 40) return;
  for (int32_t i = 0; i < v->n_merges; i++) {
    if (v->merges[i][0] == left && v->merges[i][1] == right) return;
  }
  memcpy(joined, v->bytes + v->offsets[left], a);
  memcpy(joined + a, v->bytes + v->offsets[right], b);
  if (find(v, joined, a + b) == UINT32_MAX) {
    const uint32_t end = v->offsets[v->size];
    if (end + a + b > MAX_BYTES) return;
    memcpy(v->bytes + end, joined, a + b);
    v->size++;
    v->offsets[v->size] = end + a + b;
  }
  v->merges[v->n_merges][0] = left;
  v->merges[v->n_merges][1] = right;
  v->n_merges++;
}

/* The definition of byte-pair encoding, word by word, in quadratic time. `bytes` is one word. */
static int32_t oracle(const vocabulary *v, const uint8_t *bytes, int32_t length, uint32_t *ids) {
  int32_t n = length;
  for (int32_t i = 0; i < n; i++) ids[i] = find(v, bytes + i, 1);
  for (;;) {
    int32_t best = -1;
    int32_t at = 0;
    for (int32_t rank = 0; rank < v->n_merges && best < 0; rank++) {
      for (int32_t i = 0; i + 1 < n && best < 0; i++) {
        if (ids[i] == v->merges[rank][0] && ids[i + 1] == v->merges[rank][1]) {
          best = rank;
          at = i;
        }
      }
    }
    if (best < 0) return n;
    uint8_t joined[600];
    const uint32_t a = length_of(v, ids[at]);
    const uint32_t b = length_of(v, ids[at + 1]);
    memcpy(joined, v->bytes + v->offsets[ids[at]], a);
    memcpy(joined + a, v->bytes + v->offsets[ids[at + 1]], b);
    ids[at] = find(v, joined, a + b);
    memmove(ids + at + 1, ids + at + 2, (size_t)(n - at - 2) * sizeof *ids);
    n--;
  }
}

static lf_tokenizer *make(const vocabulary *v, int32_t flags, lf_status expected) {
  const int32_t vocab_bytes = (int32_t)v->offsets[v->size];
  const uint64_t bytes = lf_tokenizer_bytes(v->size, v->n_merges, vocab_bytes);
  CHECK(bytes > 0);
  lf_tokenizer *tokenizer = aligned_alloc(LF_ALIGN, (size_t)bytes);
  memset(tokenizer, 0xff, (size_t)bytes);
  CHECK(lf_tokenizer_init(tokenizer, bytes, v->bytes, v->offsets, &v->merges[0][0], v->size, v->n_merges, vocab_bytes,
                          flags) == expected);
  return tokenizer;
}

static uint64_t most_work; /* of one feed */

/* Feeds text in chunks and collects the tokens. Returns how many, or a negative status. */
static int32_t tokenize(lf_tokenizer *tokenizer, const uint8_t *text, int32_t length, int32_t chunk, lf_token *out) {
  int32_t n = 0;
  lf_tokenizer_begin(tokenizer);
  for (int32_t at = 0;; at += chunk) {
    const int32_t part = length - at < chunk ? length - at : chunk;
    memcpy(lf_tokenizer_text(tokenizer), text + at, (size_t)part);
    int32_t left = part;
    do {
      const uint64_t before = tokenizer->work;
      const int32_t count = lf_tokenizer_feed(tokenizer, left, at + chunk >= length);
      if (tokenizer->work - before > most_work) most_work = tokenizer->work - before;
      if (count < 0) return count;
      memcpy(out + n, lf_tokenizer_tokens(tokenizer), (size_t)count * sizeof *out);
      n += count;
      left = lf_tokenizer_left(tokenizer);
    } while (left > 0);
    if (at + chunk >= length) return n;
  }
}

static lf_token tokens[3 * TEXT];
static lf_token again[3 * TEXT];

/* Random rules over two to four letters, so that a long word has many ways to be split. */
static void random_vocabularies(void) {
  static vocabulary v;
  static uint32_t ids[TEXT];
  uint32_t state = 1;
  for (int round = 0; round < 300; round++) {
    single_bytes(&v);
    const uint32_t letters = 2 + random_bits(&state) % 3;
    const int rules = 1 + (int)(random_bits(&state) % 60);
    for (int i = 0; i < rules; i++) {
      uint32_t pair[2];
      for (int side = 0; side < 2; side++) {
        const uint32_t made = (uint32_t)v.size - 257;
        const uint32_t pick = random_bits(&state) % (letters + 2 * made);
        pair[side] = pick < letters ? 1 + 'a' + pick : 257 + (pick - letters) % (made > 0 ? made : 1);
      }
      add_rule(&v, pair[0], pair[1]);
    }
    /* Ranks in any order: constituents need not come before what they make. */
    for (int32_t i = v.n_merges - 1; round % 2 == 1 && i > 0; i--) {
      const uint32_t j = random_bits(&state) % (uint32_t)(i + 1);
      uint32_t swap[2];
      memcpy(swap, v.merges[i], sizeof swap);
      memcpy(v.merges[i], v.merges[j], sizeof swap);
      memcpy(v.merges[j], swap, sizeof swap);
    }
    lf_tokenizer *tokenizer = make(&v, 0, LF_OK);
    const int32_t lengths[] = {1, 2, 15, 16, 127, 128, 129, 300, 700};
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
      uint8_t text[700];
      for (int32_t i = 0; i < lengths[l]; i++) text[i] = (uint8_t)('a' + random_bits(&state) % letters);
      const int32_t expected = oracle(&v, text, lengths[l], ids);
      const int32_t n = tokenize(tokenizer, text, lengths[l], 1 + (int32_t)(random_bits(&state) % 200), tokens);
      CHECK(n == expected);
      int same = n == expected;
      uint32_t at = 0;
      for (int32_t i = 0; i < n && same; i++) {
        same = (uint32_t)tokens[i].id == ids[i] && tokens[i].start == at && tokens[i].end == at + length_of(&v, ids[i]);
        at = tokens[i].end;
      }
      CHECK(same);
    }
    free(tokenizer);
  }
}

/* Any split of the text into chunks gives the same tokens; invalid UTF-8 counts as U+FFFD. */
static void chunks(void) {
  static vocabulary v;
  single_bytes(&v);
  add_rule(&v, 1 + 'h', 1 + 'e');
  add_rule(&v, 257, 1 + 'l');
  add_rule(&v, 1 + 0xef, 1 + 0xbf);
  lf_tokenizer *tokenizer = make(&v, LF_TOKENIZER_LOWERCASE, LF_OK);
  static const char text[] =
      "HELlo  he'Re it'S o'clock 12\xc2\xb2 \xe4\xbd\xa0\xf0\x9f\x98\x80\xc4\xb0\n\t\n '' 'v 'l x'LL"
      "\xff\xc0\x80\xe2\x82 \xed\xa0\x80\xf4\x90\x80\x80\xf0\x9f\x98 he \xe2\x80\x83\xe3\x80\x80  ";
  const int32_t length = (int32_t)sizeof text - 1;
  const int32_t n = tokenize(tokenizer, (const uint8_t *)text, length, length, tokens);
  CHECK(n > 50);
  for (int32_t chunk = 1; chunk < length; chunk++) {
    CHECK(tokenize(tokenizer, (const uint8_t *)text, length, chunk, again) == n);
    CHECK(memcmp(tokens, again, (size_t)n * sizeof *tokens) == 0);
  }
  const struct {
    const char *bytes;
    int32_t length, replacements;
  } invalid[] = {{"\xff", 1, 1},         {"\xc0\x80", 2, 2},         {"\xe2\x82", 2, 1},        {"\xed\xa0\x80", 3, 3},
                 {"\xf0\x9f\x98", 3, 1}, {"\xf4\x90\x80\x80", 4, 4}, {"\x80\x80", 2, 2},        {"\xe2\x82\xe2", 3, 2},
                 {"\xf8\x88\x80", 3, 3}, {"\xe0\x9f\xbf", 3, 3},     {"\xf0\x8f\xbf\xbf", 4, 4}};
  for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
    /* EF BF is one token here, so U+FFFD is two. */
    const int32_t count =
        tokenize(tokenizer, (const uint8_t *)invalid[i].bytes, invalid[i].length, invalid[i].length, tokens);
    CHECK(count == 2 * invalid[i].replacements);
    CHECK(count > 0 && tokens[count - 1].end == (uint32_t)invalid[i].replacements);
  }
  CHECK(tokenize(tokenizer, (const uint8_t *)"", 0, 1, tokens) == 0);
  CHECK(lf_tokenizer_feed(tokenizer, -1, 0) == LF_ERROR_LENGTH);
  CHECK(lf_tokenizer_feed(tokenizer, LF_TEXT_CHUNK + 1, 0) == LF_ERROR_LENGTH);
  free(tokenizer);
}

/* The most tokens that one feed can give: a word that has waited, and a chunk of bytes that are no UTF-8. */
static void most_tokens(void) {
  static vocabulary v;
  single_bytes(&v);
  lf_tokenizer *tokenizer = make(&v, LF_TOKENIZER_LOWERCASE, LF_OK);
  static uint8_t text[4 * LF_TEXT_CHUNK];
  memset(text, 0xff, sizeof text);
  memset(text, 'a', LF_TEXT_CHUNK);
  static lf_token out[12 * LF_TEXT_CHUNK];
  CHECK(tokenize(tokenizer, text, sizeof text, LF_TEXT_CHUNK, out) == LF_TEXT_CHUNK + 3 * 3 * LF_TEXT_CHUNK);
  free(tokenizer);
}

/* Tables that contradict themselves. */
static void refused(void) {
  static vocabulary good;
  static vocabulary v;
  single_bytes(&good);
  add_rule(&good, 1 + 'a', 1 + 'b');
  free(make(&good, 0, LF_OK));
  CHECK(lf_tokenizer_bytes(255, 0, 256) == 0);
  CHECK(lf_tokenizer_bytes((1 << 20) + 1, 0, 256) == 0);
  CHECK(lf_tokenizer_bytes(256, -1, 256) == 0);
  CHECK(lf_tokenizer_bytes(256, INT32_MAX, 256) == 0);
  CHECK(lf_tokenizer_bytes(256, 0, 255) == 0);
  CHECK(lf_tokenizer_bytes(256, 0, INT32_MIN) == 0);

#define REFUSED(change)                                                                                                \
  do {                                                                                                                 \
    v = good;                                                                                                          \
    change;                                                                                                            \
    free(make(&v, 0, LF_ERROR_TOKENIZER));                                                                             \
  } while (0)
  REFUSED(v.offsets[0] = 1);
  REFUSED(v.offsets[9] = UINT32_MAX);
  REFUSED(v.offsets[9] = v.offsets[10] + 1);
  REFUSED(v.bytes['x'] = 'y'); /* x is absent, y is there twice */
  REFUSED(v.merges[0][0] = (uint32_t)v.size);
  REFUSED(v.merges[0][0] = UINT32_MAX);
  REFUSED(v.merges[0][1] = 0);       /* a special token */
  REFUSED(v.merges[0][1] = 1 + 'z'); /* "az" is no token */
  REFUSED((v.n_merges = 2, v.merges[1][0] = 1 + 'a', v.merges[1][1] = 1 + 'b'));
  free(make(&good, 2, LF_ERROR_TOKENIZER)); /* an unknown flag */

  const uint64_t size = lf_tokenizer_bytes(good.size, good.n_merges, (int32_t)good.offsets[good.size]);
  char *block = aligned_alloc(LF_ALIGN, (size_t)size + LF_ALIGN);
  lf_tokenizer *tokenizer = (lf_tokenizer *)(void *)block;
  lf_tokenizer *askew = (lf_tokenizer *)(void *)(block + 4);
#define INIT(at, size_given)                                                                                           \
  lf_tokenizer_init(at, size_given, good.bytes, good.offsets, &good.merges[0][0], good.size, good.n_merges,            \
                    (int32_t)good.offsets[good.size], 0)
  CHECK(INIT(tokenizer, size - 1) == LF_ERROR_MEMORY);
  CHECK(INIT(askew, size) == LF_ERROR_MEMORY);
  CHECK(INIT(NULL, size) == LF_ERROR_MEMORY);
  v = good;
  v.merges[0][1] = 0;
  CHECK(lf_tokenizer_init(tokenizer, size, v.bytes, v.offsets, &v.merges[0][0], v.size, v.n_merges,
                          (int32_t)v.offsets[v.size], 0) == LF_ERROR_TOKENIZER);
  lf_tokenizer_begin(tokenizer); /* stays unusable */
  CHECK(lf_tokenizer_feed(tokenizer, 0, 1) == LF_ERROR_STATE);
  free(block);
}

/* Tokens that all want the same place in the table: refused, where a million of them would take hours. As many that
 * do not are fine. */
static void collisions(void) {
  enum { TOKENS = 600, SIZE = 256 + TOKENS, SLOTS = 2048 };
  static uint8_t bytes[256 + 3 * TOKENS];
  static uint32_t offsets[SIZE + 1];
  for (uint32_t i = 0; i < 256; i++) {
    bytes[i] = (uint8_t)i;
    offsets[i + 1] = i + 1;
  }
  for (int collide = 0; collide < 2; collide++) {
    uint32_t found = 0;
    for (uint32_t n = 0; found < TOKENS; n++) {
      const uint8_t token[3] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16)};
      uint32_t hash = 0x11c9dc5; /* as bpe.c has it */
      for (int i = 2; i >= 0; i--) hash = (hash ^ token[i]) * 16777619u;
      if (collide && ((hash ^ hash >> 15) & (SLOTS - 1)) != 7) continue;
      memcpy(bytes + 256 + (size_t)3 * found, token, 3);
      found++;
      offsets[256 + found] = 256 + 3 * found;
    }
    const uint64_t size = lf_tokenizer_bytes(SIZE, 0, sizeof bytes);
    lf_tokenizer *tokenizer = aligned_alloc(LF_ALIGN, (size_t)size);
    CHECK(lf_tokenizer_init(tokenizer, size, bytes, offsets, NULL, SIZE, 0, sizeof bytes, 0) ==
          (collide ? LF_ERROR_TOKENIZER : LF_OK));
    free(tokenizer);
  }
}

/* Every part of a random text that is up to `longest` bytes long is a token, and a token that has begun takes one letter
 * after the other: wherever a long word ends, all those parts are tried, nearly all in vain. However bad it is, no call
 * works for longer than a slice; where it is absurd, the word is refused. */
static void slow_vocabularies(void) {
  enum { LETTERS = 1000, LONGEST = 128, SIZE = 256 + LETTERS * LONGEST };
  static uint8_t text[LETTERS];
  static uint8_t bytes[256 + LETTERS * LONGEST * LONGEST];
  static uint32_t offsets[SIZE + 1];
  static uint32_t merges[SIZE][2];
  static uint32_t ids[LETTERS][LONGEST + 1];
  uint32_t state = 5;
  /* Three bytes of CJK characters that are all different: letters, and no part comes twice. */
  for (uint32_t i = 0; i + 2 < LETTERS; i += 3) {
    text[i] = (uint8_t)(0xe4 + i / 3 / 64 % 4);
    text[i + 1] = (uint8_t)(0x80 + i / 3 % 64);
    text[i + 2] = (uint8_t)(0x80 + random_bits(&state) % 64);
  }
  text[LETTERS - 1] = 'a';
  for (int slow = 0; slow < 2; slow++) {
    const uint32_t longest = slow ? LONGEST : 48;
    uint32_t size = 256;
    for (uint32_t i = 0; i < 256; i++) {
      bytes[i] = (uint8_t)i;
      offsets[i + 1] = i + 1;
    }
    for (uint32_t i = 0; i < LETTERS; i++) ids[i][1] = text[i];
    for (uint32_t length = 2; length <= longest; length++) {
      for (uint32_t i = 0; i + length <= LETTERS; i++) {
        uint32_t same = i; /* the same bytes, earlier */
        for (uint32_t j = 0; length == 2 && j < i && same == i; j++) {
          if (memcmp(text + i, text + j, length) == 0) same = j;
        }
        ids[i][length] = same < i ? ids[same][length] : size;
        if (same < i) continue;
        memcpy(bytes + offsets[size], text + i, length);
        offsets[size + 1] = offsets[size] + length;
        size++;
      }
    }
    int32_t n_merges = 0;
    for (uint32_t length = longest; length >= 2; length--) { /* the longest first */
      for (uint32_t i = 0, next = 256; i + length <= LETTERS; i++) {
        if (ids[i][length] < next) continue;
        next = ids[i][length] + 1;
        merges[n_merges][0] = ids[i][length - 1];
        merges[n_merges++][1] = text[i + length - 1];
      }
    }
    const int32_t vocab_bytes = (int32_t)offsets[size];
    const uint64_t needed = lf_tokenizer_bytes((int32_t)size, n_merges, vocab_bytes);
    lf_tokenizer *tokenizer = aligned_alloc(LF_ALIGN, (size_t)needed);
    lf_status status =
        lf_tokenizer_init(tokenizer, needed, bytes, offsets, &merges[0][0], (int32_t)size, n_merges, vocab_bytes, 0);
    CHECK(status == (slow ? LF_MORE : LF_OK));
    if (slow) CHECK(lf_tokenizer_feed(tokenizer, 0, 1) == LF_ERROR_STATE);
    while (status == LF_MORE) {
      const uint64_t before = tokenizer->work;
      status = lf_tokenizer_index(tokenizer);
      CHECK(tokenizer->work - before < LF_WORK_SLICE + (1 << 18));
    }
    CHECK(status == LF_OK);
    most_work = 0;
    const int32_t n = tokenize(tokenizer, text, LETTERS, LF_TEXT_CHUNK, tokens);
    CHECK(most_work >= LF_WORK_SLICE && most_work < (1 << 24) + (1 << 23));
    if (slow) {
      CHECK(n == LF_ERROR_TOKENIZER);
    } else {
      CHECK(n > 0 && n == tokenize(tokenizer, text, LETTERS, 1, again));
      CHECK(memcmp(tokens, again, (size_t)n * sizeof *tokens) == 0);
    }
    free(tokenizer);
  }
}

int main(void) {
  slow_vocabularies();
  random_vocabularies();
  chunks();
  most_tokens();
  refused();
  collisions();
  return summary();
}
