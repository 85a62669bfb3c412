/// <reference lib="esnext.disposable" />
/**
 * Classifies long documents with a Linformer, in a linear memory whose size is fixed when the model is loaded.
 *
 * @module linformer-wasm
 */

import type { EvaluateOptions, Evaluation, Example, Taught } from './teach/types.js'

/** The shape of a trunk: everything up to the last LayerNorm. */
export interface TrunkConfig {
  readonly vocab_size: number
  /** Most tokens that the model was trained to read at once. */
  readonly n_max: number
  readonly d_model: number
  readonly n_layers: number
  readonly n_heads: number
  readonly d_ff: number
  /** Projected length of each layer. */
  readonly k: readonly number[]
  readonly attention: 'linformer' | 'full'
  readonly sharing: 'none' | 'headwise' | 'key-value' | 'layerwise'
  readonly projection: 'linear' | 'mean' | 'max' | 'conv'
  readonly positions: 'learned' | 'sinusoidal' | 'none'
  /** Hidden width of the convolution on the embeddings; without it there is none. */
  readonly stem?: number
  /** Whether each token has a learned importance; the vector of a document is then the weighted mean. */
  readonly importance?: boolean
}

/** The shape of a head: what labels are told by. */
export interface HeadConfig {
  readonly d_model: number
  readonly vocab_size: number
  readonly n_classes: number
  /**
   * What a label's logit is of: the mean over all tokens (the default), the mean weighted by their importance, the largest mean
   * over any window of `window` tokens, or both halves of the vector that `embed` gives.
   */
  readonly pooling?: 'mean' | 'weighted' | 'window-max' | 'directions'
  readonly window?: number
  /** Tokens that the word head knows; without it there is none. It reads the document, or with window-max each window by itself. */
  readonly words?: number
}

/** The shape of a model, as its file has it: a trunk's and a head's. A trunk alone has no `n_classes`. */
export interface Config extends TrunkConfig, HeadConfig {}

/** Use of the linear memory, in bytes. Fixed from `load` to `dispose`. */
export interface MemoryReport {
  /** All of it: the size of the WebAssembly memory, initial and maximum. */
  total: number
  /** The budget that was asked for. */
  budget: number | undefined
  /** The module's own data, and a stack for each thread. */
  static: number
  tokenizer: number
  /** The trunk's. */
  weights: number
  /** The model's own head, room for those that are attached (`headRoom`), and for handing them over. */
  heads: number
  /** Activations for `capacity` tokens; while loading, the tensor at hand. */
  workspace: number
  /** Tokens that are read at once; longer texts are read in windows. */
  capacity: number
  /** Multiply-adds that reading so many tokens takes, with the model's own head, whatever the memory. */
  operations: number
}

export interface ProgressEvent {
  phase: 'download' | 'weights' | 'tokenize' | 'encode' | 'examples' | 'fit' | 'removal'
  /** Bytes (download, weights), UTF-16 units (tokenize), tokens (encode) or passages (removal). */
  done: number
  /** The same unit; unknown for a download without a length. */
  total: number | undefined
  /** With encode: which of the text's windows is being read, from 0, and how many there are. */
  window?: number
  windows?: number
  /** Place of the document in the array that is being classified, and the array's length. */
  index?: number
  count?: number
}

/** WebAssembly.Module, where the host's types have it. */
export type CompiledModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer M } } } ? M : object

export interface LoadOptions {
  /** Most bytes of linear memory; the largest token capacity that fits is planned. Default: room for n_max tokens. */
  memoryBudget?: number
  /**
   * Most bytes of a model file that are read, wherever it comes from. Default: 2^30; a server that sends more, or a device
   * that never ends, is left with BUDGET_TOO_SMALL.
   */
  maxModelBytes?: number
  /**
   * Most operations (multiply-adds) that one reading of a document of `capacity` tokens may take; a model that takes more
   * is refused with BUDGET_TOO_SMALL. Default: 10^13, which is hours. `inspect` tells the number and refuses none.
   */
  maxOperations?: number
  /** Most tokens to plan for. */
  maxTokens?: number
  /**
   * Bytes for heads that are attached later; `inspect` tells how many a head takes. They are a part of the memory that is planned.
   * Default: 2^20 for a trunk without a head, 0 for a model with one.
   */
  headRoom?: number
  /**
   * Most threads that share the work on a document, up to 32. Default: 1. More than one needs memory that can be
   * shared (a page has to be cross-origin isolated) and starts workers; `classifier.threads` says how many there are.
   * The result has the same bits for any number.
   */
  threads?: number
  /** Default: relaxed where the host has relaxed SIMD, else simd128. simd128 gives the same bits everywhere. */
  backend?: 'relaxed' | 'simd128'
  /** The same bits in every host, with the backend simd128: for tests and records. Costs speed where relaxed runs. */
  deterministic?: boolean
  /**
   * In what the encoder multiplies. int8: weights in 8 bits, activations in 7 bits with a scale and an offset for each
   * row, exact sums; faster and smaller, most of all with the relaxed backend. Default: what the model file has its
   * weights in.
   */
  precision?: 'float32' | 'int8'
  /** The module, instead of the file beside the library: a URL or path, bytes, or compiled. */
  wasm?: string | URL | Response | Blob | ArrayBuffer | ArrayBufferView | CompiledModule
  /** `sha256-` and the base64 of the model file's digest; another file is refused. */
  integrity?: string
  /**
   * Keep a copy of a model that comes by HTTP, and take it from there the next time: true, or a name, which is a Cache's
   * in browsers (default linformer-wasm) and a folder's in Node.js (default $XDG_CACHE_HOME/linformer-wasm). A copy is
   * checked against the digest it was kept with, and against `integrity`; a damaged or other one is fetched again. Without
   * `integrity` a URL is taken to mean the same file for ever. Where there is no cache to be had, or it fails, the model is
   * fetched. Default: false.
   */
  cache?: boolean | string
  /**
   * The server that `hf:` addresses lead to: a mirror, or one of your own that answers as the hub does. Default: in Node.js the
   * environment variable HF_ENDPOINT; else https://huggingface.co.
   */
  hub?: string
  signal?: AbortSignal
  onProgress?: (event: ProgressEvent) => void
}

export interface ClassifyOptions {
  /** Scores of the best labels only. */
  topK?: number
  /**
   * What becomes of a text with more tokens than the capacity: read all of it in windows (default), read its beginning,
   * or refuse it with TEXT_TOO_LONG.
   */
  overflow?: 'window' | 'truncate' | 'error'
  /**
   * Why. 'attribution', or true, adds the exact contribution of each token and passage to the logits; 'passages' leaves out the
   * tokens, which are many. 'removal' also reads the document again without each of the passages that contribute most: what
   * changes then is their effect, and another question (tokens mix in attention, so that a passage may contribute much and change
   * little). It costs a reading each. More numbers than 2^28 bytes hold (tokens x labels) are refused with BUDGET_TOO_SMALL.
   */
  explain?: boolean | 'attribution' | 'passages' | 'removal'
  /** Most passages that `explain: 'removal'` takes out. Default: 16. */
  removals?: number
  /**
   * Heads to judge by, attached to the same trunk: the document is read once, and the results come in an array, one for each.
   * Default: the classifier's own head, and its result alone.
   */
  heads?: readonly Classifier[]
  signal?: AbortSignal
  onProgress?: (event: ProgressEvent) => void
}

/** What `embed` takes: as `classify`. */
export type EmbedOptions = Pick<ClassifyOptions, 'overflow' | 'signal' | 'onProgress'>

/**
 * A document: a text, or a text and another that belongs to it; or the ids of its tokens, where something else than the model's own
 * tokenizer makes them. A line end of Windows (\r\n) is read as one of Unix; ranges in results are those of the text as it was given.
 */
export type Input = string | { text: string, textPair?: string } | { tokens: Uint16Array | Uint32Array }

export interface Score {
  label: string
  /** Probability, 0 to 1. Those of all labels add up to 1, unless several may hold at once (`labelsKind: 'many'`). */
  score: number
}

/** A label that holds, with its evidence. */
export interface Found extends Score {
  /** Where it is said: the window that decided, or else the passage that contributes most. */
  input: Contribution['input']
  start: number
  end: number
}

export interface Result extends Score {
  /** All labels, or the best `topK`, the best first. */
  scores: Score[]
  /** Tokens that the text has. */
  tokens: number
  /** Tokens that were read. */
  tokensUsed: number
  /** tokensUsed < tokens. Never true with overflow: 'window'. */
  truncated: boolean
  /** Pieces in which the text was read. */
  windows: number
  /** With `labelsKind: 'many'`: the labels whose scores reach their thresholds, the best first. May be empty. */
  found?: Found[]
  /**
   * How like the documents that the head was fitted on this one is, where the head knows: the share of them that lie at least as far
   * from their centre; heads that `teach` makes allow for the document's length. Near 0, below `lowTypicality`, the label means little, whatever its score.
   */
  typicality?: number
  /** Why the label may mean little, whatever its score; absent where there is no such reason, or the head knows no typicality. */
  doubt?: Doubt
  explanation?: Explanation
}

/**
 * 'unlike' the documents that the head was fitted on: `typicality` below 0.01. In an 'unknown-script', of which the tokenizer has no words:
 * more tokens than characters. 'repetitive': n tokens, 64 or more, of which fewer than n^0.4 are different. 'unusual', a hint only: at the
 * edge of what the head was fitted on, `typicality` below 0.05.
 */
export type Doubt = 'unlike' | 'unknown-script' | 'repetitive' | 'unusual'

/** For each label c, in the order of `classifier.labels`: logits[c] = bias[c] + sum over tokens of contributions[c]. */
export interface Explanation {
  bias: number[]
  logits: number[]
  /** Empty with explain: 'passages'. */
  tokens: Contribution[]
  /** Sentence-like pieces that hold all tokens, the one with the largest contribution first. */
  passages: Passage[]
}

export interface Contribution {
  /** Which of the two texts of the input; or its tokens. */
  input: 'text' | 'textPair' | 'tokens'
  /** Range in that string, in UTF-16 units, or in the tokens. The separator between a text and its pair is empty. */
  start: number
  end: number
  /** To each label's logit. */
  contributions: number[]
}

export interface Passage extends Contribution {
  text: string
  /** For (positive) or against the winning label: its contribution less the mean of the other labels'. */
  contribution: number
  /** With `explain: 'removal'`, of the passages that were taken out. */
  removal?: Removal
}

/** What the document says without a passage. */
export interface Removal {
  /** The best label then. */
  label: string
  /** The score then of the label that the whole document has. */
  score: number
  /** Of each logit: with the passage, less without it. */
  effects: number[]
}

/** In place of the result of a document that could not be classified, in an array. */
export interface Failure {
  error: LinformerError
}

export interface TeachOptions {
  /** What becomes of a text with more tokens than the capacity: all of it is read (default), or its beginning. */
  overflow?: 'window' | 'truncate'
  /** Most bytes for the examples and the fit, beside the trunk's memory. Default: 2 GiB. */
  memoryBudget?: number
  /** For the head's description. */
  name?: string
  license?: string
  trainedOn?: string
  signal?: AbortSignal
  /** Also `examples`, documents that have been read, and `fit`, the share of the fit that is done. */
  onProgress?: (event: ProgressEvent) => void
}

export type {
  Assessment, Estimate, EvaluateOptions, Evaluation, Example, LabelReport, Mistake, SkippedExample, Suspect, Taught, TeachReport
} from './teach/types.js'

/** A model, or a trunk with or without a head attached. */
export interface Classifier {
  /**
   * Classifies a document, or each of an array or async iterable of them.
   *
   * A single document that fails rejects; among several it leaves a `Failure` in its place and the others have their
   * results. Calls on one trunk are taken one after another.
   *
   * @throws LinformerError BAD_ARGUMENT, EMPTY_TEXT, TEXT_TOO_LONG, NOT_FINITE, ABORTED, DISPOSED, ENGINE; in a worker
   *   also WORKER_FAILED
   */
  classify(input: Input, options?: ClassifyOptions & { heads?: undefined }): Promise<Result>
  classify(inputs: readonly Input[], options?: ClassifyOptions & { heads?: undefined }): Promise<(Result | Failure)[]>
  /** Documents as they come, results in their order; the next is asked for when a result has been taken. */
  classify(inputs: AsyncIterable<Input>, options?: ClassifyOptions & { heads?: undefined }): AsyncGenerator<Result | Failure, void, undefined>
  /** Read once, judged by each of the heads. */
  classify(input: Input, options: ClassifyOptions & { heads: readonly Classifier[] }): Promise<Result[]>
  classify(inputs: readonly Input[], options: ClassifyOptions & { heads: readonly Classifier[] }): Promise<(Result[] | Failure)[]>
  classify(inputs: AsyncIterable<Input>, options: ClassifyOptions & { heads: readonly Classifier[] }): AsyncGenerator<Result[] | Failure, void, undefined>
  /**
   * A document as a vector, [2 d_model], whatever its length. The first half is the mean of the trunk's last LayerNorm over all
   * tokens, the second the mean of the token vectors that the trunk starts from: what the document says, and which words it has.
   * Both are weighted where the trunk has importance, and have length 1, so a dot product of two vectors is at most 2. Throws as `classify`.
   */
  embed(input: Input, options?: EmbedOptions): Promise<Float32Array>
  embed(inputs: readonly Input[], options?: EmbedOptions): Promise<(Float32Array | Failure)[]>
  embed(inputs: AsyncIterable<Input>, options?: EmbedOptions): AsyncGenerator<Float32Array | Failure, void, undefined>
  /**
   * Reads a head file and gives a classifier that shares this one's trunk and memory. `dispose` it to make room for another.
   *
   * @throws LinformerError as `load`, MODEL_CONFIG if the head belongs to another trunk, and BUDGET_TOO_SMALL if the room that was
   *   planned for heads (`headRoom` of `load`) has no place for it
   */
  attach(head: Source, options?: Pick<LoadOptions, 'integrity' | 'signal'>): Promise<Classifier>
  /**
   * A complete model file: this trunk, and a head file or an attached classifier's head; by default this one's own. The trunk's file
   * is read again from where it came.
   */
  export(head?: Source | Classifier, options?: Pick<LoadOptions, 'signal'>): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Teaches this trunk labels of your own. Each example is read once; then two logistic regressions are fitted, on the trunk's vectors
   * and on TF-IDF of the tokens, mixed and calibrated by cross-validation. The same examples give the same bytes, in any order, where
   * the trunk was loaded with `deterministic: true`.
   *
   * @throws LinformerError BAD_ARGUMENT, OUT_OF_MEMORY, ABORTED, DISPOSED, ENGINE; in a worker also WORKER_FAILED. If one example is at
   *   fault, `details.example` is its index.
   */
  teach(examples: Iterable<Example> | AsyncIterable<Example>, options?: TeachOptions): Promise<Taught>
  readonly config: Config
  /** Empty for a trunk without a head. */
  readonly labels: readonly string[]
  /** Whether one label holds for a document, or many may. */
  readonly labelsKind: 'one' | 'many'
  /** With many: from which score on each label holds. */
  readonly thresholds: readonly number[] | undefined
  readonly name: string | undefined
  /** The file's own description, the head's if it is attached: licence, training data and more. */
  readonly metadata: Readonly<Record<string, string>>
  readonly backend: 'relaxed' | 'simd128'
  readonly precision: 'float32' | 'int8'
  readonly threads: number
  readonly memory: Readonly<MemoryReport>
  /** Frees the memory: of an attached head, its own, and of a loaded model all. What is running is rejected with DISPOSED. */
  dispose(): void
  [Symbol.dispose](): void
}

export interface Inspection {
  /** A trunk with a head, a trunk alone, or a head alone. */
  kind: 'model' | 'trunk' | 'head'
  config: Config | HeadConfig
  labels: string[]
  metadata: Record<string, string>
  fileBytes: number
  parameters: number
  tensors: { name: string, dtype: string, shape: number[], bytes: number }[]
  /** Plans for several capacities, the last one n_max; none for a head. */
  memory: MemoryReport[]
  /** The plan that `load` would make with the same options. */
  chosen: MemoryReport | undefined
  /** Of a head: the bytes that it takes of a trunk's `headRoom`. */
  headRoom: number | undefined
}

/**
 * Where a model comes from: the name of one that comes with the library (`shippedModels`), a URL, in Node.js also a path, or the file
 * itself. The shipped models are fetched from beside the library.
 *
 * `hf:OWNER/NAME[@REVISION][/PATH]` is a file of a repository on Hugging Face: model.safetensors of main, unless you say. A `/` in a
 * revision is written `%2F`. Redirects are followed. For a private repository, pass a Response: `load(await fetch(url, { headers }))`.
 */
export type Source = string | URL | Response | Blob | ArrayBuffer | ArrayBufferView

/**
 * Loads a model file (.safetensors). A head file is loaded with its trunk: the file of the name that the head gives it, in the
 * folder of the head file, or the shipped model of that name; its digest has to be the one that the head names. A head that comes as
 * bytes has no folder: load its trunk and attach it.
 *
 * @throws LinformerError BAD_ARGUMENT, UNSUPPORTED, SOURCE_FAILED, INTEGRITY, MODEL_TRUNCATED, MODEL_FORMAT,
 *   MODEL_CONFIG, MODEL_TENSOR, BUDGET_TOO_SMALL, OUT_OF_MEMORY, ABORTED, ENGINE
 */
export function load(source: Source, options?: LoadOptions): Promise<Classifier>

/** Reads a model file's description and plans its memory, without loading it. Throws as `load` does. */
export function inspect(source: Source, options?: LoadOptions): Promise<Inspection>

/**
 * How good a classifier is on examples whose labels are known; those that it was taught on would flatter it. They are read one by one, as
 * they come, by any classifier: loaded, attached, in a worker.
 *
 * @throws LinformerError as `classify`, and BAD_ARGUMENT if no example could be read, or with `details.example` if one is malformed
 */
export function evaluate(classifier: Classifier, examples: Iterable<Example> | AsyncIterable<Example>, options?: EvaluateOptions): Promise<Evaluation>

/**
 * Names of the models that come with the library, for `load`, which fetches them from beside the library's code. A bundler leaves them
 * behind: serve them yourself, and load their URLs. In Cloudflare Workers there are none. `load` also takes names that they had before:
 * `imdb` is `sentiment`.
 */
export const shippedModels: readonly string[]

/**
 * 0.01: a result with a lower `typicality` is of a document unlike those that the model was fitted on, of which fewer than one in 100
 * are as unusual. Its label then means little.
 */
export const lowTypicality: number

/**
 * Names and shapes of the weights that a model of this config has: what a model file must hold. Without n_classes, a trunk's.
 *
 * @throws LinformerError MODEL_CONFIG
 */
export function tensorShapes(config: TrunkConfig | Config): Map<string, number[]>

/** A tensor of a .safetensors file. */
export interface Tensor {
  /** 'F32', 'F16', 'I8', 'U8', 'U32', ... */
  dtype: string
  shape: number[]
  /** Its bytes, little-endian: a view of the file. */
  data: Uint8Array
}

/**
 * Takes a .safetensors file apart: a model file, or any other. `name` is for messages.
 *
 * @throws LinformerError MODEL_TRUNCATED, MODEL_FORMAT, MODEL_TENSOR, BAD_ARGUMENT
 */
export function readSafetensors(bytes: Uint8Array | ArrayBuffer | ArrayBufferView, name?: string): { metadata: Record<string, string>, tensors: Map<string, Tensor> }

/**
 * Makes a .safetensors file; the same tensors and metadata give the same bytes.
 *
 * @throws LinformerError BAD_ARGUMENT for what could not be read again
 */
export function writeSafetensors(tensors: Iterable<[string, Tensor]>, metadata?: Record<string, string>): Uint8Array<ArrayBuffer>

/**
 * The numbers in a tensor, copied: F32, F16 and I8 with its `NAME.scale` as floats, I32, U32 and U8 as they are.
 *
 * @throws LinformerError MODEL_TENSOR if there is no such tensor, it is of another dtype, or its data do not fit; BAD_ARGUMENT
 */
export function tensorValues(tensors: Map<string, Tensor>, name: string): Float32Array | Int32Array | Uint32Array | Uint8Array

export const version: string

export type ErrorCode =
  | 'BAD_ARGUMENT' | 'UNSUPPORTED' | 'SOURCE_FAILED' | 'INTEGRITY' | 'MODEL_TRUNCATED' | 'MODEL_FORMAT'
  | 'MODEL_CONFIG' | 'MODEL_TENSOR' | 'BUDGET_TOO_SMALL' | 'OUT_OF_MEMORY' | 'DOCUMENT' | 'EMPTY_TEXT' | 'TEXT_TOO_LONG'
  | 'NOT_FINITE' | 'ABORTED' | 'DISPOSED' | 'ENGINE' | 'WORKER_FAILED'

/** The one error of this library: a stable code, and a message that names the value and the limit. */
export class LinformerError extends Error {
  readonly name: 'LinformerError'
  readonly code: ErrorCode
  /** The numbers of the message. */
  readonly details: Readonly<Record<string, unknown>>
  constructor(code: ErrorCode, message: string, details?: Record<string, unknown>, options?: { cause?: unknown })
  /** Failures in results keep their code and message in JSON. */
  toJSON(): { name: 'LinformerError', code: ErrorCode, message: string }
}
