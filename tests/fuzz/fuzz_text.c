/* fuzz_text.c - any bytes as text, against a plain implementation of the whole tokenizer
 *
 * The oracle has the text in one piece and looks ahead as it likes: WHATWG's UTF-8 decoder written as ranges, the
 * pre-tokenizer's expression as an expression, and byte-pair encoding by its definition. The tokenizers live from one
 * input to the next, with what they remember: that must not show. */
#include "fuzz.h"
#include "unicode.h"

enum { TEXT = 600, CHARACTERS = 2 * TEXT, BYTES = 4 * CHARACTERS, VOCAB = 400, VOCAB_BYTES = 4096, RULES = 128 };

typedef struct vocabulary {
  uint8_t bytes[VOCAB_BYTES];
  uint32_t offsets[VOCAB + 1];
  uint32_t merges[RULES][2];
  int32_t size, n_merges;
  uint16_t rule[VOCAB][VOCAB]; /* 1 + rank of the rule for two tokens, 0 if there is none */
  uint16_t joined[RULES];      /* the token that a rule makes */
} vocabulary;

enum { VOCABULARIES = 2 };
static vocabulary vocabularies[VOCABULARIES];
static lf_tokenizer *tokenizers[VOCABULARIES][2]; /* cased, lower case */

/* ---- vocabularies ---- */

static uint32_t length_of(const vocabulary *v, uint32_t id) { return v->offsets[id + 1] - v->offsets[id]; }

static uint32_t find(const vocabulary *v, const uint8_t *bytes, uint32_t length) {
  for (uint32_t id = 0; id < (uint32_t)v->size; id++) {
    if (length_of(v, id) == length && memcmp(v->bytes + v->offsets[id], bytes, length) == 0) return id;
  }
  return UINT32_MAX;
}

/* The rule that makes `text` of its first `split` bytes and the rest, both of them tokens. */
static void add_rule(vocabulary *v, const char *text, uint32_t split) {
  const uint8_t *bytes = (const uint8_t *)text;
  const uint32_t length = (uint32_t)strlen(text);
  const uint32_t end = v->offsets[v->size];
  v->merges[v->n_merges][0] = find(v, bytes, split);
  v->merges[v->n_merges][1] = find(v, bytes + split, length - split);
  EXPECT(v->merges[v->n_merges][0] != UINT32_MAX && v->merges[v->n_merges][1] != UINT32_MAX);
  if (find(v, bytes, length) == UINT32_MAX) {
    memcpy(v->bytes + end, bytes, length);
    v->offsets[++v->size] = end + length;
  }
  v->joined[v->n_merges] = (uint16_t)find(v, bytes, length);
  v->n_merges++;
  v->rule[v->merges[v->n_merges - 1][0]][v->merges[v->n_merges - 1][1]] = (uint16_t)v->n_merges;
}

static void single_bytes(vocabulary *v) {
  v->size = 257; /* token 0 is a special one, without bytes */
  for (uint32_t i = 0; i < 256; i++) {
    v->bytes[i] = (uint8_t)i;
    v->offsets[i + 2] = i + 1;
  }
}

static lf_tokenizer *make(const vocabulary *v, int32_t flags) {
  const int32_t vocab_bytes = (int32_t)v->offsets[v->size];
  const uint64_t bytes = lf_tokenizer_bytes(v->size, v->n_merges, vocab_bytes);
  lf_tokenizer *tokenizer = aligned_alloc(LF_ALIGN, (size_t)bytes);
  EXPECT(tokenizer != NULL);
  EXPECT(lf_tokenizer_init(tokenizer, bytes, v->bytes, v->offsets, &v->merges[0][0], v->size, v->n_merges, vocab_bytes,
                           flags) == LF_OK);
  return tokenizer;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  /* One like those that training gives, and one whose rules compete: the same bytes made in several ways, runs of one
   * letter, rules that a later letter decides between. */
  static const struct {
    const char *text;
    uint32_t split;
  } rules[VOCABULARIES][RULES] = {
      {{"he", 1},       {"the", 1},          {" the", 1},     {"in", 1},           {"ing", 2},      {"er", 1},
       {" t", 1},       {" a", 1},           {"an", 1},       {"and", 2},          {" and", 1},     {"  ", 1},
       {"    ", 2},     {"\n\n", 1},         {"'s", 1},       {"'t", 1},           {"'r", 1},       {"'re", 2},
       {"10", 1},       {"100", 2},          {"...", 1},      {"..", 1},           {"\xc3\xa9", 1}, {"\xc3\xa9t", 2},
       {"\xe2\x82", 1}, {"\xe2\x82\xac", 2}, {"\xf0\x9f", 1}, {"\xf0\x9f\x98", 2}, {"\xef\xbf", 1}, {"\xef\xbf\xbd", 2},
       {" \xc2", 1},    {"i\xcc", 1},        {"i\xcc\x87", 2}},
      {{"ab", 1},  {"bc", 1},   {"abc", 2}, {"abc", 1},  {"aa", 1},   {"aaaa", 2},     {"aaa", 2},  {"ca", 1},
       {"bca", 2}, {"cab", 1},  {"ba", 1},  {"abab", 2}, {"baba", 2}, {"ababab", 4},   {"cc", 1},   {"ccc", 1},
       {"ccc", 2}, {"cccc", 2}, {"dd", 1},  {"dda", 2},  {"add", 1},  {"aaaaaaaa", 4}, {"abca", 3}, {"abca", 2}},
  };
  for (int i = 0; i < VOCABULARIES; i++) {
    single_bytes(&vocabularies[i]);
    for (int rule = 0; rule < RULES && rules[i][rule].text != NULL; rule++) {
      const char *text = rules[i][rule].text;
      if (strcmp(text, "...") == 0) { /* needs ".." first */
        add_rule(&vocabularies[i], "..", 1);
        add_rule(&vocabularies[i], text, 2);
        continue;
      }
      if (strcmp(text, "..") == 0) continue;
      add_rule(&vocabularies[i], text, rules[i][rule].split);
    }
    for (int32_t flags = 0; flags < 2; flags++) tokenizers[i][flags] = make(&vocabularies[i], flags);
  }
  return 0;
}

/* ---- the oracle ---- */

typedef struct character {
  uint32_t code_point, start, end; /* UTF-16 units */
} character;

static character characters[CHARACTERS];
static size_t n_characters;

static void add_character(uint32_t code_point, uint32_t start, uint32_t end) {
  EXPECT(n_characters < CHARACTERS);
  characters[n_characters++] = (character){.code_point = code_point, .start = start, .end = end};
}

/* Length of the valid character at `text`, or of the longest start of one, negative; at least one byte. */
static int character_length(const uint8_t *text, size_t left) {
  static const struct {
    uint8_t low[4], high[4];
    int length;
  } forms[] = {
      {{0x00}, {0x7f}, 1},
      {{0xc2, 0x80}, {0xdf, 0xbf}, 2},
      {{0xe0, 0xa0, 0x80}, {0xe0, 0xbf, 0xbf}, 3},
      {{0xe1, 0x80, 0x80}, {0xec, 0xbf, 0xbf}, 3},
      {{0xed, 0x80, 0x80}, {0xed, 0x9f, 0xbf}, 3},
      {{0xee, 0x80, 0x80}, {0xef, 0xbf, 0xbf}, 3},
      {{0xf0, 0x90, 0x80, 0x80}, {0xf0, 0xbf, 0xbf, 0xbf}, 4},
      {{0xf1, 0x80, 0x80, 0x80}, {0xf3, 0xbf, 0xbf, 0xbf}, 4},
      {{0xf4, 0x80, 0x80, 0x80}, {0xf4, 0x8f, 0xbf, 0xbf}, 4},
  };
  for (size_t form = 0; form < sizeof forms / sizeof forms[0]; form++) {
    int i = 0;
    while (i < forms[form].length && (size_t)i < left && text[i] >= forms[form].low[i] &&
           text[i] <= forms[form].high[i]) {
      i++;
    }
    if (i == forms[form].length) return i;
    if (i > 0) return -i;
  }
  return -1;
}

static void decode(const uint8_t *text, size_t length, int lowercase) {
  n_characters = 0;
  uint32_t unit = 0;
  for (size_t at = 0; at < length;) {
    const int bytes = character_length(text + at, length - at);
    uint32_t c = 0xfffd;
    if (bytes == 1) c = text[at];
    if (bytes == 2) c = (text[at] & 31u) << 6 | (text[at + 1] & 63u);
    if (bytes == 3) c = (text[at] & 15u) << 12 | (text[at + 1] & 63u) << 6 | (text[at + 2] & 63u);
    if (bytes == 4) {
      c = (text[at] & 7u) << 18 | (text[at + 1] & 63u) << 12 | (text[at + 2] & 63u) << 6 | (text[at + 3] & 63u);
    }
    const uint32_t end = unit + (c >= 0x10000 ? 2 : 1);
    if (lowercase && c == LF_CAPITAL_I_WITH_DOT) {
      add_character('i', unit, end);
      add_character(LF_COMBINING_DOT_ABOVE, unit, end);
    } else {
      add_character(lowercase ? lf_lower(c) : c, unit, end);
    }
    unit = end;
    at += (size_t)(bytes < 0 ? -bytes : bytes);
  }
}

static lf_class class_at(size_t i) { return lf_class_of(characters[i].code_point); }
static int is(size_t i, uint32_t c) { return i < n_characters && characters[i].code_point == c; }

/* End of the word that starts at `i`: the alternatives of the expression in their order. */
static size_t word_end(size_t i) {
  if (is(i, '\'')) {
    if (is(i + 1, 's') || is(i + 1, 't')) return i + 2;
    if ((is(i + 1, 'r') || is(i + 1, 'v')) && is(i + 2, 'e')) return i + 3;
    if (is(i + 1, 'm')) return i + 2;
    if (is(i + 1, 'l') && is(i + 2, 'l')) return i + 3;
    if (is(i + 1, 'd')) return i + 2;
  }
  const size_t first = is(i, ' ') && i + 1 < n_characters ? i + 1 : i;
  if (class_at(first) != LF_CLASS_SPACE) {
    size_t end = first;
    while (end < n_characters && class_at(end) == class_at(first)) end++;
    return end;
  }
  size_t end = i;
  while (end < n_characters && class_at(end) == LF_CLASS_SPACE) end++;
  return end == n_characters || end == i + 1 ? end : end - 1; /* \s+(?!\S), else \s+ */
}

/* Tokens of one word by the definition: the rule of lowest rank, leftmost first, until none applies. */
static uint32_t encode(const vocabulary *v, const uint8_t *bytes, uint32_t length, uint32_t *ids) {
  uint32_t n = length;
  for (uint32_t i = 0; i < n; i++) ids[i] = bytes[i] + 1u;
  for (;;) {
    uint32_t best = RULES + 1;
    uint32_t at = 0;
    for (uint32_t i = 0; i + 1 < n; i++) {
      const uint32_t rule = v->rule[ids[i]][ids[i + 1]];
      if (rule == 0 || rule >= best) continue;
      best = rule;
      at = i;
    }
    if (best > RULES) return n;
    ids[at] = v->joined[best - 1];
    memmove(ids + at + 1, ids + at + 2, (n - at - 2) * sizeof *ids);
    n--;
  }
}

static uint32_t write_utf8(uint8_t *out, uint32_t c) {
  if (c < 0x80) {
    out[0] = (uint8_t)c;
    return 1;
  }
  const uint32_t more = 1u + (c >= 0x800) + (c >= 0x10000);
  static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
  out[0] = (uint8_t)(lead[more] | c >> 6 * more);
  for (uint32_t i = 1; i <= more; i++) out[i] = (uint8_t)(0x80 | (c >> 6 * (more - i) & 63));
  return more + 1;
}

static lf_token expected[BYTES];

static int32_t oracle(const vocabulary *v, const uint8_t *text, size_t length, int lowercase) {
  static uint8_t bytes[BYTES];
  static uint32_t owner[BYTES]; /* character of each byte */
  static uint32_t ids[BYTES];
  int32_t count = 0;
  decode(text, length, lowercase);
  for (size_t start = 0; start < n_characters;) {
    const size_t end = word_end(start);
    uint32_t n_bytes = 0;
    for (size_t i = start; i < end; i++) {
      const uint32_t more = write_utf8(bytes + n_bytes, characters[i].code_point);
      for (uint32_t b = 0; b < more; b++) owner[n_bytes + b] = (uint32_t)i;
      n_bytes += more;
    }
    const uint32_t n = encode(v, bytes, n_bytes, ids);
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
      const uint32_t token_end = at + length_of(v, ids[i]);
      expected[count++] = (lf_token){
          .id = (int32_t)ids[i], .start = characters[owner[at]].start, .end = characters[owner[token_end - 1]].end};
      at = token_end;
    }
    start = end;
  }
  return count;
}

/* ---- the comparison ---- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  const uint32_t kind = data[0];
  const size_t chunk = 1 + data[1];
  const uint8_t *text = data + 2;
  const size_t length = size - 2 < TEXT ? size - 2 : TEXT;
  const vocabulary *v = &vocabularies[kind % VOCABULARIES];
  const int lowercase = (int)(kind / 2 % 2);
  lf_tokenizer *tokenizer = tokenizers[kind % VOCABULARIES][lowercase];
  const int32_t n = oracle(v, text, length, lowercase);

  if (kind & 4) { /* a text that was never ended leaves nothing behind */
    lf_tokenizer_begin(tokenizer);
    const size_t part = length / 2;
    memcpy(lf_tokenizer_text(tokenizer), text, part);
    EXPECT(lf_tokenizer_feed(tokenizer, (int32_t)part, 0) >= 0);
  }
  lf_tokenizer_begin(tokenizer);
  int32_t done = 0;
  for (size_t at = 0;; at += chunk) {
    const size_t part = length - at < chunk ? length - at : chunk;
    memcpy(lf_tokenizer_text(tokenizer), text + at, part);
    const int32_t count = lf_tokenizer_feed(tokenizer, (int32_t)part, length - at <= chunk);
    EXPECT(count >= 0 && done + count <= n);
    const lf_token *tokens = lf_tokenizer_tokens(tokenizer);
    for (int32_t i = 0; i < count; i++) {
      EXPECT(tokens[i].id == expected[done + i].id);
      EXPECT(tokens[i].start == expected[done + i].start && tokens[i].end == expected[done + i].end);
    }
    done += count;
    if (length - at <= chunk) break;
  }
  EXPECT(done == n);
  return 0;
}
