/* linformer.h - a Linformer text classifier in fixed memory (the only public header)
 *
 * The engine reads no file, allocates nothing, keeps no global state and calls no libc function but memcpy, memmove
 * and memset. The caller asks for sizes, brings blocks of memory, and keeps them alive for as long as the object that
 * was placed in them; nothing ever grows. Blocks are aligned to LF_ALIGN bytes.
 *
 * A model is a trunk and one or several heads. The trunk reads a document, a run at a time; a head makes labels of what
 * the run has left. A document goes in as UTF-8 and comes out as one logit a class:
 *
 *     lf_config config = { .vocab_size = 8192, .n_max = 4096, .d_model = 128, ... };
 *     if (lf_config_check(&config) != LF_OK) return;
 *
 *     lf_model *model = aligned_block(lf_model_bytes(&config));
 *     lf_model_init(model, lf_model_bytes(&config), &config);
 *     for (each tensor of the file) lf_set_tensor(model, name, dtype, shape, n_dims, data, data_bytes);
 *     if (lf_model_ready(model) != LF_OK) return;             // lf_model_missing(model) names the tensor
 *
 *     lf_head_config head_config = { .d_model = 128, .vocab_size = 8192, .n_classes = 2 };
 *     lf_head *head = aligned_block(lf_head_bytes(&head_config));
 *     lf_head_init(head, lf_head_bytes(&head_config), &head_config);
 *     for (each tensor of the head) lf_head_set_tensor(head, name, dtype, shape, n_dims, data, data_bytes);
 *
 *     lf_run *run = aligned_block(lf_workspace_bytes(&config, n_cap, 1));
 *     lf_run_init(run, lf_workspace_bytes(&config, n_cap, 1), model, n_cap, 1);
 *
 *     memcpy(lf_run_ids(run), ids, n * sizeof *ids);          // n <= n_cap tokens from the tokenizer below
 *     lf_begin(run, n);
 *     while (lf_step(run, 8) == LF_MORE) { report lf_run_done(run) of lf_run_total(run); stop here to cancel }
 *     use(lf_run_pooled(run));                                // the document as a vector, for those who want it
 *
 *     lf_head_begin(head);                                    // any number of heads can read the same run
 *     lf_head_read(head, run);
 *     while (lf_head_step(head, 8) == LF_MORE) {}
 *     use(lf_head_logits(head));
 *
 * Words: n tokens in the document, n_max trained maximum, n_cap planned capacity, k projected length, d_model width,
 * d_head = d_model / n_heads, x residual stream [n, d_model], h its normalised copy, E and F the sequence projections
 * for keys and values, p = E h the projected input, tile = LF_TILE rows of x.
 *
 * Method: Wang et al., "Linformer: Self-Attention with Linear Complexity", arXiv 2006.04768 (2020).
 */
#ifndef LINFORMER_H
#define LINFORMER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  LF_ALIGN = 64,       /* alignment of every block, in bytes */
  LF_TILE = 48,        /* rows of x that one tile holds */
  LF_MAX_LAYERS = 32,  /* most layers a model can have */
  LF_MAX_THREADS = 32, /* most threads that can share a run */
  LF_MAX_DIMS = 3,     /* most dimensions a tensor can have */
  LF_TEXT_CHUNK = 4096 /* bytes of text that one lf_tokenizer_feed takes at most */
};

/* What a call came to. Negative values are errors; the object stays valid and later calls work. */
typedef enum lf_status {
  LF_OK = 0,
  LF_MORE = 1,             /* there is more to do; lf_set_tensor: more to come */
  LF_ERROR_CONFIG = -1,    /* a field of the config is outside its limits */
  LF_ERROR_MEMORY = -2,    /* the block is too small, or not aligned to LF_ALIGN */
  LF_ERROR_NAME = -3,      /* the model or head has no tensor of that name */
  LF_ERROR_DTYPE = -4,     /* a dtype that this tensor cannot have */
  LF_ERROR_SHAPE = -5,     /* dimensions other than the config asks for */
  LF_ERROR_SIZE = -6,      /* byte length does not match dtype and shape */
  LF_ERROR_SCALE = -7,     /* an I8 tensor came before its NAME.scale */
  LF_ERROR_VALUE = -8,     /* a NaN or an infinity among the weights, or in a result */
  LF_ERROR_MISSING = -9,   /* a tensor was never set; see lf_model_missing and lf_head_missing */
  LF_ERROR_LENGTH = -10,   /* n outside 1 .. n_cap, or n_cap outside 1 .. n_max */
  LF_ERROR_TOKEN = -11,    /* a token id outside the vocabulary, or words.ids that do not ascend */
  LF_ERROR_STATE = -12,    /* calls in the wrong order */
  LF_ERROR_TOKENIZER = -13 /* tokenizer tables that contradict themselves */
} lf_status;

typedef enum lf_dtype { LF_F32 = 0, LF_F16 = 1, LF_I8 = 2, LF_I32 = 3 /* words.ids alone */ } lf_dtype;

typedef enum lf_attention { LF_ATTENTION_LINFORMER = 0, LF_ATTENTION_FULL = 1 } lf_attention;

/* Which heads and layers share one sequence projection (section 4 of the paper). */
typedef enum lf_sharing {
  LF_SHARING_NONE = 0,      /* E and F for every head of every layer */
  LF_SHARING_HEADWISE = 1,  /* E and F for every layer */
  LF_SHARING_KEY_VALUE = 2, /* E = F for every layer */
  LF_SHARING_LAYERWISE = 3  /* one E for the whole model */
} lf_sharing;

/* How n rows become k. All but LINEAR divide the n_max positions into k segments of n_max / k rows; a document of n
 * tokens then has ceil(n / segment) projected rows, the last one over the rows that exist. */
typedef enum lf_projection {
  LF_PROJECTION_LINEAR = 0, /* p = E[:, :n] h, E [k, n_max] learned */
  LF_PROJECTION_MEAN = 1,   /* mean over the rows of a segment */
  LF_PROJECTION_MAX = 2,    /* maximum over the rows of a segment, each channel on its own */
  LF_PROJECTION_CONV = 3    /* depthwise convolution, kernel = stride = segment, E [d_model, segment] learned */
} lf_projection;

/* In what the encoder multiplies. */
typedef enum lf_precision {
  LF_PRECISION_FLOAT32 = 0,
  /* Linear maps, E h and attention: weights, E, keys and values in 8 bits with a scale for each output, what they are
   * multiplied with in 7 bits with a scale and an offset for each row, exact sums in 32 bits. Heads stay float, and so
   * do the values of full attention. */
  LF_PRECISION_INT8 = 1
} lf_precision;

typedef enum lf_positions { LF_POSITIONS_LEARNED = 0, LF_POSITIONS_SINUSOIDAL = 1, LF_POSITIONS_NONE = 2 } lf_positions;

/* The shape of a trunk. Every field is an int32_t, so that a host can fill it as an array, in this order. */
typedef struct lf_config {
  int32_t vocab_size;       /* 1 .. 2^20 */
  int32_t n_max;            /* 1 .. 2^20 tokens */
  int32_t d_model;          /* 1 .. 4096, a multiple of n_heads */
  int32_t n_layers;         /* 1 .. LF_MAX_LAYERS */
  int32_t n_heads;          /* 1 .. 64 */
  int32_t d_ff;             /* 1 .. 16384 */
  int32_t attention;        /* lf_attention */
  int32_t sharing;          /* lf_sharing; not used by full attention */
  int32_t projection;       /* lf_projection; not used by full attention */
  int32_t positions;        /* lf_positions */
  int32_t token_dtype;      /* lf_dtype in which embed.token.weight is kept */
  int32_t position_dtype;   /* lf_dtype in which embed.position.weight is kept */
  int32_t projection_dtype; /* lf_dtype in which every E and F is kept */
  int32_t precision;        /* lf_precision */
  int32_t stem;             /* 0 .. 4096, hidden width of the convolution on the embeddings; 0: none */
  int32_t importance;       /* 1: tokens have a learned importance, and the pooled vector is the weighted mean; or 0 */
  int32_t k[LF_MAX_LAYERS]; /* projected length of each layer, 1 .. n_max; layerwise: the first k rows of E */
} lf_config;

/* ---- model: the weights of a trunk ---- */

typedef struct lf_model lf_model;

/* LF_OK, or LF_ERROR_CONFIG if a field is outside its limits or two fields contradict each other. */
lf_status lf_config_check(const lf_config *config);

/* Bytes of the block that a trunk of this shape needs; 0 if the config is not valid. */
uint64_t lf_model_bytes(const lf_config *config);

/* Makes an empty model in the block at `model`, which is `bytes` long. The config is copied. */
lf_status lf_model_init(lf_model *model, uint64_t bytes, const lf_config *config);

/* Copies one tensor into the model, packed for the kernels; `data` is not needed afterwards.
 *
 *   name        as in the list below, zero-terminated
 *   dtype       lf_dtype. I8 tensors are value = scale[row] * int8, and their NAME.scale (F32, one value for each row,
 *               that is: for each index of all dimensions but the last) must have been set before
 *   shape       [n_dims], row-major
 *   data        little-endian, any alignment, `data_bytes` long
 *
 * A large tensor can come in pieces, so that no call takes long: whole rows of it, in their order, or of a tensor of one
 * dimension values, but for pool.weight. Each call has the name, dtype and shape of the whole, and says LF_MORE until the
 * last one. A piece that is refused changes nothing.
 *
 *   embed.token.weight [vocab_size, d_model]         embed.position.weight [n_max, d_model]   (learned positions)
 *   layers.L.attn_norm.{weight,bias} [d_model]       layers.L.ffn_norm.{weight,bias} [d_model]
 *   layers.L.attn.{query,key,value,out}.weight [d_model, d_model] (out, in), .bias [d_model]
 *   layers.L.ffn.in.weight [d_ff, d_model], .bias [d_ff]      layers.L.ffn.out.weight [d_model, d_ff], .bias [d_model]
 *   norm.{weight,bias} [d_model]
 *   stem.in.weight [stem, 3 d_model], .bias [stem]   stem.out.weight [d_model, stem], .bias [d_model]     (with a stem)
 *   pool.token [vocab_size], pool.weight [d_model]   (with importance)
 *   attn.E                      layerwise            layers.L.attn.E          key-value
 *   layers.L.attn.{E,F}         headwise and none
 *       linear [k, n_max] and conv [d_model, n_max / k]; with no sharing one such matrix for each head in front,
 *       [n_heads, ...]. Mean and max have none. Layerwise k is the largest of config.k.
 */
lf_status lf_set_tensor(lf_model *model, const char *name, int32_t dtype, const int32_t *shape, int32_t n_dims,
                        const void *data, uint64_t data_bytes);

/* LF_OK when every tensor is there, else LF_ERROR_MISSING. */
lf_status lf_model_ready(const lf_model *model);

/* Name of the first tensor that was not set, zero-terminated, or "" if all are there. Lives in the model's block. */
const char *lf_model_missing(lf_model *model);

/* ---- run: one document at a time through a model ---- */

typedef struct lf_run lf_run;

/* Bytes of the block that runs of up to n_cap tokens on n_threads threads need; 0 if the config, n_cap or n_threads is
 * not valid. */
uint64_t lf_workspace_bytes(const lf_config *config, int32_t n_cap, int32_t n_threads);

/* Makes a run in the block at `run`, which is `bytes` long. The model must be ready and must outlive the run.
 * LF_ERROR_LENGTH also if n_threads is outside 1 .. LF_MAX_THREADS. */
lf_status lf_run_init(lf_run *run, uint64_t bytes, const lf_model *model, int32_t n_cap, int32_t n_threads);

/* Where the caller writes the token ids, [n_cap], before lf_begin. Ends what the run was doing. With other threads it
 * may be NULL, while one of them is in the midst of a tile: call it again, at most for as long as a tile may take or
 * until the host says that the thread is gone. Without lf_serve it is never NULL. */
int32_t *lf_run_ids(lf_run *run);

/* Starts on the n tokens in lf_run_ids. Whatever the run was doing before is forgotten. LF_ERROR_STATE after lf_run_stop,
 * and where lf_run_ids would be NULL. */
lf_status lf_begin(lf_run *run, int32_t n);

/* Works on at most `max_tiles` tiles. LF_MORE until the last one is done, then LF_OK. Where other threads have taken all
 * tiles that there are for now, it waits a moment and says LF_MORE. */
lf_status lf_step(lf_run *run, int32_t max_tiles);

/* Helps with run after run, as thread 1 .. n_threads - 1 of the run; returns after lf_run_stop. The thread that calls
 * lf_begin and lf_step is thread 0. Threads share the run's memory; the result has the same bits for any number of
 * them. Sleeps while there is nothing to do, so a thread that must not block cannot call it. */
void lf_serve(lf_run *run, int32_t thread);

/* Makes every lf_serve of the run return, once it is through with its tile and from now on. It does not wait for them:
 * the run's memory is theirs until they have returned. */
void lf_run_stop(lf_run *run);

/* Steps of work done, and in the whole document, in tiles. For progress. */
int32_t lf_run_done(const lf_run *run);
int32_t lf_run_total(const lf_run *run);

/* The pooled vector, [d_model], once lf_step has said LF_OK: the mean over the tokens of LN(x_t); with importance
 * sum a_t LN(x_t) / sum a_t, a_t = exp(clamp(pool.token[id_t] + pool.weight . LN(x_t), -20, 20)). lf_step says LF_ERROR_VALUE
 * if it is not finite. */
const float *lf_run_pooled(const lf_run *run);

/* What the pooled vector was divided by: the number of tokens, or sum a_t. Where a document is read in several runs, the
 * pooled vector of the whole is the mean of the runs' by this weight. */
double lf_run_weight(const lf_run *run);

/* The mean of the token vectors themselves, [d_model], rows of embed.token.weight without position, stem or layers; with
 * importance sum s_t e_t / sum s_t, s_t = exp(clamp(pool.token[id_t], -20, 20)). And what it was divided by. */
const float *lf_run_token_mean(const lf_run *run);
double lf_run_token_weight(const lf_run *run);

/* The residual stream x, [n, lf_run_stride] floats, as the last step left it; rows are padded with zeros. */
const float *lf_run_x(const lf_run *run);
int32_t lf_run_stride(const lf_run *run);

/* ---- head: from x to labels ---- */

/* How a head makes one logit of all tokens. y_tc = LN(x_t) . head.weight[c] */
typedef enum lf_pooling {
  LF_POOLING_MEAN = 0,       /* logit_c = bias_c + mean over t of y_tc */
  LF_POOLING_WEIGHTED = 1,   /* logit_c = bias_c + sum a_t y_tc / sum a_t, with the trunk's importance a_t */
  LF_POOLING_WINDOW_MAX = 2, /* logit_c = bias_c + the largest mean of y_tc over any window, and of its words' part */
  /* logit_c = bias_c + head.weight[c] . p / |p| + head.token_weight[c] . e / |e|, with the document's pooled vector p and
   * mean of token vectors e; one that is zero adds nothing. */
  LF_POOLING_DIRECTIONS = 3
} lf_pooling;

/* The shape of a head. Every field is an int32_t, in this order. */
typedef struct lf_head_config {
  int32_t d_model;    /* 1 .. 4096, the trunk's */
  int32_t vocab_size; /* 1 .. 2^20, the trunk's */
  int32_t n_classes;  /* 1 .. 4096 */
  int32_t pooling;    /* lf_pooling */
  int32_t window;     /* tokens of a window, even, 2 .. 2^20, with LF_POOLING_WINDOW_MAX; else 0 */
  int32_t words;      /* tokens that the word head knows, 0 .. vocab_size; 0: no word head */
  int32_t word_dtype; /* lf_dtype in which words.weight is kept: F32, F16 or I8 */
} lf_head_config;

typedef struct lf_head lf_head;

/* As for a model: the check, the size of the block (0 if the config is not valid), an empty head in it. */
lf_status lf_head_config_check(const lf_head_config *config);
uint64_t lf_head_bytes(const lf_head_config *config);
lf_status lf_head_init(lf_head *head, uint64_t bytes, const lf_head_config *config);

/* As lf_set_tensor, for
 *
 *   head.weight [n_classes, d_model], head.bias [n_classes]
 *   head.token_weight [n_classes, d_model]   (with LF_POOLING_DIRECTIONS)
 *   words.ids [words] I32, ascending, < vocab_size; words.idf [words]; words.weight [words, n_classes]   (with a word head)
 *
 * The word head sees a document as v_i = sqrt(count of token ids[i]) idf[i], v of length 1 (or 0), and adds
 * sum_i v_i weight[i][c] to logit c. With LF_POOLING_WINDOW_MAX it sees each window so, and adds to what the window has. */
lf_status lf_head_set_tensor(lf_head *head, const char *name, int32_t dtype, const int32_t *shape, int32_t n_dims,
                             const void *data, uint64_t data_bytes);
lf_status lf_head_ready(const lf_head *head);
const char *lf_head_missing(lf_head *head);

/* Starts a new document. LF_ERROR_MISSING if the head is not ready. */
lf_status lf_head_begin(lf_head *head);

/* Goes on with the document that the run has read: all of it, or its next part. The run must have said LF_OK, and keep what
 * it has until the head has read it and said whose contributions are whose. A document in several parts has one result:
 * means are over all tokens, weights and counts add up, the largest window of all counts. Windows do not cross parts.
 * LF_ERROR_STATE if the run is not done, or before lf_head_begin; LF_ERROR_CONFIG if d_model or vocab_size differ, or if
 * the head weights by importance and the trunk has none. */
lf_status lf_head_read(lf_head *head, const lf_run *run);

/* Reads at most `max_tiles` tiles; LF_TILE words of a word head count as one. LF_MORE until the last one, then LF_OK;
 * LF_ERROR_VALUE if a logit is not finite. */
lf_status lf_head_step(lf_head *head, int32_t max_tiles);

/* The logits, [n_classes], once lf_head_step has said LF_OK, of what has been read so far. */
const float *lf_head_logits(const lf_head *head);

/* What each logit rests on, [n_classes][2]: first token and end, counted from the document's start. The first of the
 * largest windows; with other poolings all tokens. */
const int32_t *lf_head_evidence(const lf_head *head);

/* The contributions of tokens to logits, [n, n_classes] for n tokens, at most LF_TILE, in two steps, because the second
 * needs the whole document: logit[c] = head.bias[c] + mean over all tokens of contributions[t][c]. Each writes into the
 * head's own memory, where lf_head_terms says, and the next call overwrites it.
 *
 * lf_head_terms: what the dense part sums up for tokens first .. first + n - 1 of the run that is being read, a_t y_tc;
 * a_t is 1 without importance, or if the pooling takes no account of it. NULL if the run has gone on, or has no such tokens.
 *
 * lf_head_contributions: makes contributions of the terms in that memory, which are of tokens first .. first + n - 1 of the
 * document, whose ids are given. LF_ERROR_STATE unless lf_head_step has said LF_OK, LF_ERROR_LENGTH if the document has no
 * such tokens, LF_ERROR_TOKEN for an id outside the vocabulary. */
float *lf_head_terms(lf_head *head, int32_t first, int32_t n);
lf_status lf_head_contributions(lf_head *head, const int32_t *ids, int32_t first, int32_t n);

/* ---- tokenizer: byte-level BPE ----
 *
 * Gives the ids that Hugging Face `tokenizers` gives for a model of type BPE with the pre-tokenizer
 * ByteLevel(add_prefix_space = false, use_regex = true), no post-processor, and either no normalizer or Lowercase.
 * Text is a stream: it comes in chunks of any size, and memory does not depend on its length, nor on the length of
 * a word. Time is linear in both.
 */
typedef struct lf_tokenizer lf_tokenizer;

enum { LF_TOKENIZER_LOWERCASE = 1 }; /* flags */

/* One token of the text. */
typedef struct lf_token {
  int32_t id;
  uint32_t start; /* UTF-16 units from the start of the text to the character that holds the token's first byte */
  uint32_t end;   /* UTF-16 units to the end of the character that holds its last byte */
} lf_token;

/* Bytes of the block that a tokenizer needs; 0 if a size is outside its limits (vocab_size 256 .. 2^20,
 * n_merges 0 .. 2^20, vocab_bytes .. 2^26). */
uint64_t lf_tokenizer_bytes(int32_t vocab_size, int32_t n_merges, int32_t vocab_bytes);

/* Makes a tokenizer in the block at `tokenizer`, which is `bytes` long. The tables are copied.
 *
 *   vocab    [vocab_bytes]     the bytes (not the printable stand-ins) of all tokens, one after another
 *   offsets  [vocab_size + 1]  token i is vocab[offsets[i] .. offsets[i + 1]); an empty token is one that text never
 *                              gives, as special tokens are
 *   merges   [n_merges][2]     pairs of ids, the first to be merged first
 *
 * LF_ERROR_TOKENIZER: offsets not ascending, one of the 256 single bytes absent or double, a merge of ids outside the
 * vocabulary or whose joined bytes are no token; also tokens or merges chosen so that their hashes collide.
 * LF_MORE: the vocabulary is large; the tables are not needed any more, and lf_tokenizer_index has to be called until it
 * says LF_OK, or LF_ERROR_TOKENIZER. Each call does a slice of the work, so that the host can do other things between. */
lf_status lf_tokenizer_init(lf_tokenizer *tokenizer, uint64_t bytes, const uint8_t *vocab, const uint32_t *offsets,
                            const uint32_t *merges, int32_t vocab_size, int32_t n_merges, int32_t vocab_bytes,
                            int32_t flags);
lf_status lf_tokenizer_index(lf_tokenizer *tokenizer);

/* Starts a new text. */
void lf_tokenizer_begin(lf_tokenizer *tokenizer);

/* Where the caller writes the next bytes of the text, [LF_TEXT_CHUNK]. Any split will do, even inside a character.
 * Bytes that are not UTF-8 count as U+FFFD, one for each maximal part of a character, as TextDecoder does. */
uint8_t *lf_tokenizer_text(lf_tokenizer *tokenizer);

/* Takes n_bytes of text (0 .. LF_TEXT_CHUNK); `final` is 1 with the last of it. Returns how many tokens have become
 * certain, or a negative lf_status. They are in lf_tokenizer_tokens until the next call.
 *
 * A vocabulary can be made so that its tokens are slow to find. A call that has done a slice of work comes back with the
 * rest of the bytes not taken: lf_tokenizer_left says how many. They lie at the start of lf_tokenizer_text, and are to
 * be fed again. LF_ERROR_TOKENIZER: a long word is absurdly slow to encode, or its end decides about its start. */
int32_t lf_tokenizer_feed(lf_tokenizer *tokenizer, int32_t n_bytes, int32_t final);
int32_t lf_tokenizer_left(const lf_tokenizer *tokenizer);
const lf_token *lf_tokenizer_tokens(const lf_tokenizer *tokenizer);

#ifdef __cplusplus
}
#endif
#endif /* LINFORMER_H */
