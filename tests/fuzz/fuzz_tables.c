/* fuzz_tables.c - tokenizer tables of any kind: refused, or a tokenizer that keeps its promises
 *
 * Half of the inputs are raw tables, which are nearly always refused; the others are rules over single bytes, from which
 * tables that hold are made, and then perhaps spoiled in one place. A tokenizer that was made must cover the text with
 * its tokens, byte for byte, and give the same tokens however the text is split. */
#include "fuzz.h"

enum { VOCAB = 600, VOCAB_BYTES = 4096, MERGES = 200, TEXT = 512, OUT = 4 * TEXT + 64 };

static _Alignas(64) uint8_t memory[1 << 19];
static fuzz_block block = {.base = memory, .capacity = sizeof memory};

typedef struct tables {
  uint8_t vocab[VOCAB_BYTES];
  uint32_t offsets[VOCAB + 1];
  uint32_t merges[MERGES][2];
  int32_t vocab_size, n_merges, vocab_bytes;
} tables;

static tables t;
static lf_token first_tokens[OUT];
static lf_token again_tokens[OUT];

static uint32_t length_of(uint32_t id) { return t.offsets[id + 1] - t.offsets[id]; }

static void single_bytes(uint32_t specials) {
  t.vocab_size = (int32_t)(256 + specials);
  t.vocab_bytes = 256;
  t.n_merges = 0;
  for (uint32_t i = 0; i <= specials; i++) t.offsets[i] = 0;
  for (uint32_t i = 0; i < 256; i++) {
    t.vocab[i] = (uint8_t)i;
    t.offsets[specials + i + 1] = i + 1;
  }
}

/* The rule left + right with its token, whether or not another rule makes the same bytes. */
static void add_rule(uint32_t left, uint32_t right) {
  const uint32_t a = length_of(left);
  const uint32_t b = length_of(right);
  if (t.vocab_size == VOCAB || t.n_merges == MERGES || (uint32_t)t.vocab_bytes + a + b > VOCAB_BYTES) return;
  memcpy(t.vocab + t.vocab_bytes, t.vocab + t.offsets[left], a);
  memcpy(t.vocab + t.vocab_bytes + a, t.vocab + t.offsets[right], b);
  t.vocab_bytes += (int32_t)(a + b);
  t.offsets[++t.vocab_size] = (uint32_t)t.vocab_bytes;
  t.merges[t.n_merges][0] = left;
  t.merges[t.n_merges][1] = right;
  t.n_merges++;
}

static void make_tables(fuzz_input *input) {
  const uint32_t kind = take_byte(input);
  single_bytes(take_byte(input) % 4);
  const uint32_t specials = (uint32_t)t.vocab_size - 256;
  for (uint32_t n = take_byte(input) % MERGES; n > 0; n--) {
    uint32_t pair[2];
    for (int i = 0; i < 2; i++) { /* a byte, or one of the tokens made so far */
      const uint32_t value = take_byte(input);
      const uint32_t made = (uint32_t)t.vocab_size - specials - 256;
      pair[i] = value < 128 || made == 0 ? specials + value : specials + 256 + value % made;
    }
    add_rule(pair[0], pair[1]);
  }
  if (kind % 4 == 1) { /* one value of a table is another */
    const uint32_t place = take_byte(input);
    const uint32_t value = kind < 128 ? take_byte(input) : take_u32(input);
    if (place % 3 == 0) t.vocab[take_u32(input) % (uint32_t)t.vocab_bytes] = (uint8_t)value;
    if (place % 3 == 1) t.offsets[take_u32(input) % ((uint32_t)t.vocab_size + 1)] = value;
    if (place % 3 == 2 && t.n_merges > 0) t.merges[take_byte(input) % (uint32_t)t.n_merges][place / 3 % 2] = value;
  } else if (kind % 4 == 3) { /* sizes that do not belong to the tables, and tables of raw numbers */
    t.vocab_size = take_between(input, 254, VOCAB);
    t.n_merges = take_between(input, 0, MERGES);
    t.vocab_bytes = take_between(input, 250, 500);
    for (int i = 0; i < 16; i++) t.offsets[take_u32(input) % (VOCAB + 1)] = take_byte(input);
  }
}

/* Feeds text in chunks. Returns the number of tokens or a negative status. */
static int32_t tokenize(lf_tokenizer *tokenizer, const uint8_t *text, size_t length, size_t chunk, lf_token *out) {
  int32_t n = 0;
  lf_tokenizer_begin(tokenizer);
  for (size_t at = 0;; at += chunk) {
    const size_t part = length - at < chunk ? length - at : chunk;
    if (part > 0) memcpy(lf_tokenizer_text(tokenizer), text + at, part);
    const int32_t count = lf_tokenizer_feed(tokenizer, (int32_t)part, length - at <= chunk);
    if (count < 0) return count;
    EXPECT(lf_tokenizer_left(tokenizer) == 0);
    EXPECT(n + count <= OUT);
    if (count > 0) memcpy(out + n, lf_tokenizer_tokens(tokenizer), (size_t)count * sizeof *out);
    n += count;
    if (length - at <= chunk) return n;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_input input = {.at = data, .left = size};
  make_tables(&input);
  const uint32_t flags = take_byte(&input);
  const size_t chunk = 1 + take_byte(&input) % 64;

  const uint64_t bytes = lf_tokenizer_bytes(t.vocab_size, t.n_merges, t.vocab_bytes);
  EXPECT((bytes == 0) == (t.vocab_size < 256 || t.vocab_bytes < 256));
  lf_tokenizer *tokenizer = cut(&block, bytes);
  EXPECT(tokenizer != NULL);
  const int32_t lowercase = flags < 240 ? (int32_t)(flags % 2) : (int32_t)flags;
  const lf_status status = lf_tokenizer_init(tokenizer, bytes, t.vocab, t.offsets, &t.merges[0][0], t.vocab_size,
                                             t.n_merges, t.vocab_bytes, lowercase);
  EXPECT(status == LF_OK || status == LF_ERROR_TOKENIZER);
  if (bytes == 0) return 0;
  if (status != LF_OK) {
    if (flags < 240) EXPECT(lf_tokenizer_feed(tokenizer, 0, 1) == LF_ERROR_STATE);
    return 0;
  }

  const size_t length = input.left < TEXT ? input.left : TEXT;
  const int32_t n = tokenize(tokenizer, input.at, length, TEXT, first_tokens);
  const int32_t n_again = tokenize(tokenizer, input.at, length, chunk, again_tokens);
  EXPECT(n == n_again); /* a word that this vocabulary cannot stream is refused in either case */
  if (n < 0) {
    EXPECT(n == LF_ERROR_TOKENIZER);
    return 0;
  }
  EXPECT(memcmp(first_tokens, again_tokens, (size_t)n * sizeof *first_tokens) == 0);

  /* Valid ASCII without capitals passes unchanged, so the tokens' bytes are the text. */
  int plain = 1;
  for (size_t i = 0; i < length; i++) plain &= input.at[i] < 0x80 && (input.at[i] < 'A' || input.at[i] > 'Z');
  size_t at = 0;
  uint32_t last_end = 0;
  for (int32_t i = 0; i < n; i++) {
    const uint32_t id = (uint32_t)first_tokens[i].id;
    EXPECT(id < (uint32_t)t.vocab_size && length_of(id) > 0);
    EXPECT(first_tokens[i].start < first_tokens[i].end && first_tokens[i].end <= length);
    EXPECT(first_tokens[i].end >= last_end); /* tokens may share a character, and never go back */
    last_end = first_tokens[i].end;
    if (!plain) continue;
    EXPECT(first_tokens[i].start == at && first_tokens[i].end == at + length_of(id));
    EXPECT(memcmp(t.vocab + t.offsets[id], input.at + at, length_of(id)) == 0);
    at += length_of(id);
  }
  if (plain) EXPECT(at == length);
  return 0;
}
