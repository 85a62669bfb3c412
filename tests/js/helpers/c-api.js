/**
 * The C API of a module, driven directly and not by wasm/engine, so that the engine is tested on its own.
 */
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { gunzipSync } from 'node:zlib'
import { readSafetensors as parse } from 'linformer-wasm'

// Node.js 20 has relaxed SIMD behind a flag, later versions have it and no flag.
if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd')

const PAGE = 65536
export const DTYPES = { F32: 0, F16: 1, I8: 2, I32: 3 }
const KINDS = {
  attention: ['linformer', 'full'],
  sharing: ['none', 'headwise', 'key-value', 'layerwise'],
  projection: ['linear', 'mean', 'max', 'conv'],
  positions: ['learned', 'sinusoidal', 'none']
}
const POOLING = ['mean', 'weighted', 'window-max', 'directions']
const MAX_LAYERS = 32
const TILE = 48

/** Whether a tensor belongs to a head. */
export const isOfHead = (name) => /^(head|words)\./.test(name)

/** Metadata and tensors `{ dtype, shape, data }` of a .safetensors file, which may be compressed (.gz). */
export function readSafetensors(path) {
  const bytes = readFileSync(path)
  const { metadata, tensors } = parse(String(path).endsWith('.gz') ? gunzipSync(bytes) : bytes, String(path))
  return { metadata, tensors: Object.fromEntries([...tensors].map(([name, tensor]) => [name, { ...tensor, data: new Uint8Array(tensor.data) }])) }
}

/** The fields of an lf_config from the JSON of a model file, the dtypes of its tensors and a precision. */
export function configValues(json, tensors, precision) {
  const dtype = (name) => DTYPES[tensors[name]?.dtype ?? 'F32']
  const projection = Object.keys(tensors).find((name) => /attn\.E$/.test(name))
  const sizes = ['vocab_size', 'n_max', 'd_model', 'n_layers', 'n_heads', 'd_ff'].map((key) => json[key])
  const kinds = Object.entries(KINDS).map(([key, names]) => names.indexOf(json[key]))
  const dtypes = [dtype('embed.token.weight'), dtype('embed.position.weight'), dtype(projection)]
  const rest = [['float32', 'int8'].indexOf(precision), json.stem ?? 0, json.importance ? 1 : 0]
  const k = Array.from({ length: MAX_LAYERS }, (_, layer) => json.k[layer] ?? 0)
  return [...sizes, ...kinds, ...dtypes, ...rest, ...k]
}

/** The fields of an lf_head_config from the JSON of a model or head file. */
export function headConfigValues(json, tensors) {
  const dtype = DTYPES[tensors['words.weight']?.dtype ?? 'F32']
  return [json.d_model, json.vocab_size, json.n_classes, POOLING.indexOf(json.pooling ?? 'mean'), json.window ?? 0, json.words ?? 0, dtype]
}

/** One instance of a module in 64 MiB, with an allocator that only moves forward. */
export class CApi {
  constructor(path) {
    this.memory = new WebAssembly.Memory({ initial: 1024, maximum: 1024 })
    const module = new WebAssembly.Module(readFileSync(path))
    this.exports = new WebAssembly.Instance(module, { env: { memory: this.memory } }).exports
    this.top = Number(this.exports.__heap_base.value)
  }

  /** Address of `bytes` bytes, aligned to 64. */
  allocate(bytes) {
    const at = Math.ceil(this.top / 64) * 64
    this.top = at + Number(bytes)
    if (this.top > 1024 * PAGE) throw new Error(`the test needs ${this.top} bytes, the memory has ${1024 * PAGE}`)
    return at
  }

  /** Copies bytes into the memory and returns their address. */
  place(bytes) {
    const at = this.allocate(bytes.byteLength)
    new Uint8Array(this.memory.buffer, at).set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    return at
  }

  floats(at, n) {
    return new Float32Array(this.memory.buffer, at, n).slice()
  }

  string(at) {
    const bytes = new Uint8Array(this.memory.buffer, at)
    return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)))
  }

  /** An lf_config, as configValues has it. */
  config(json, tensors = {}, precision = 'float32') {
    return this.place(Int32Array.from(configValues(json, tensors, precision)))
  }

  check(status, what) {
    if (status < 0) throw new Error(`${what}: status ${status}`)
    return status
  }

  setTensor(object, name, { dtype, shape, data }) {
    const mark = this.top
    const status = this.exports[isOfHead(name) ? 'lf_head_set_tensor' : 'lf_set_tensor'](
      object, this.place(new TextEncoder().encode(name + '\0')), DTYPES[dtype], this.place(Int32Array.from(shape)),
      shape.length, this.place(data), BigInt(data.byteLength)
    )
    this.top = mark
    return status
  }

  /** A model with all tensors of the trunk set, scales first. */
  model(config, tensors) {
    const bytes = this.exports.lf_model_bytes(config)
    const model = this.allocate(bytes)
    this.check(this.exports.lf_model_init(model, bytes, config), 'lf_model_init')
    this.#setAll(model, tensors, (name) => !isOfHead(name))
    this.check(this.exports.lf_model_ready(model), `missing ${this.string(this.exports.lf_model_missing(model))}`)
    return model
  }

  /** A head with all its tensors set. */
  head(json, tensors) {
    const config = this.place(Int32Array.from(headConfigValues(json, tensors)))
    const bytes = this.exports.lf_head_bytes(config)
    const head = this.allocate(bytes)
    this.check(this.exports.lf_head_init(head, bytes, config), 'lf_head_init')
    this.#setAll(head, tensors, isOfHead)
    this.check(this.exports.lf_head_ready(head), `missing ${this.string(this.exports.lf_head_missing(head))}`)
    return head
  }

  #setAll(object, tensors, wanted) {
    const names = Object.keys(tensors).filter(wanted).sort((a, b) => b.endsWith('.scale') - a.endsWith('.scale'))
    for (const name of names) this.check(this.setTensor(object, name, tensors[name]), name)
  }

  /** Logits, evidence and contributions of a run that is done, by a head with n_classes classes. */
  read(head, run, ids, n_classes) {
    const { exports } = this
    this.check(exports.lf_head_begin(head), 'lf_head_begin')
    this.check(exports.lf_head_read(head, run), 'lf_head_read')
    while (this.check(exports.lf_head_step(head, 3), 'lf_head_step') === 1);
    const idsAt = this.place(Int32Array.from(ids))
    const contributions = new Float32Array(ids.length * n_classes)
    for (let first = 0; first < ids.length; first += TILE) {
      const count = Math.min(TILE, ids.length - first)
      const terms = exports.lf_head_terms(head, first, count)
      this.check(exports.lf_head_contributions(head, idsAt + 4 * first, first, count), 'lf_head_contributions')
      contributions.set(this.floats(terms, count * n_classes), first * n_classes)
    }
    const evidence = [...new Int32Array(this.memory.buffer, exports.lf_head_evidence(head), 2 * n_classes)]
    return { logits: this.floats(exports.lf_head_logits(head), n_classes), evidence, contributions }
  }

  /** A run with room for exactly n_cap tokens. */
  run(config, model, nCap) {
    const bytes = this.exports.lf_workspace_bytes(config, nCap, 1)
    const run = this.allocate(bytes)
    this.check(this.exports.lf_run_init(run, bytes, model, nCap, 1), 'lf_run_init')
    return run
  }

  begin(run, ids) {
    new Int32Array(this.memory.buffer, this.exports.lf_run_ids(run), ids.length).set(ids)
    return this.exports.lf_begin(run, ids.length)
  }

  /** A tokenizer from the tables of a model file. */
  tokenizer(tensors, lowercase) {
    const [vocab, offsets, merges] = ['vocab', 'offsets', 'merges'].map((key) => tensors[`tokenizer.${key}`])
    const sizes = [offsets.shape[0] - 1, merges.shape[0], vocab.shape[0]]
    const bytes = this.exports.lf_tokenizer_bytes(...sizes)
    const tokenizer = this.allocate(bytes)
    const mark = this.top
    const tables = [vocab, offsets, merges].map(({ data }) => this.place(data))
    let status = this.check(this.exports.lf_tokenizer_init(tokenizer, bytes, ...tables, ...sizes, lowercase ? 1 : 0), 'tokenizer')
    while (status > 0) status = this.check(this.exports.lf_tokenizer_index(tokenizer), 'lf_tokenizer_index')
    this.top = mark
    return tokenizer
  }

  /** Tokens [id, start, end, id, ...] of UTF-8 bytes, fed in chunks. */
  tokenize(tokenizer, bytes, chunk) {
    const tokens = []
    this.exports.lf_tokenizer_begin(tokenizer)
    for (let at = 0, final = false; !final; at += chunk) {
      const part = bytes.subarray(at, at + chunk)
      final = at + chunk >= bytes.length
      new Uint8Array(this.memory.buffer, this.exports.lf_tokenizer_text(tokenizer)).set(part)
      const n = this.check(this.exports.lf_tokenizer_feed(tokenizer, part.length, final ? 1 : 0), 'lf_tokenizer_feed')
      const out = new Uint32Array(this.memory.buffer, this.exports.lf_tokenizer_tokens(tokenizer), 3 * n)
      for (const value of out) tokens.push(value)
    }
    return tokens
  }

  /** x as it is now, [n, d], without the padding of its rows. */
  x(run, n, d) {
    const stride = this.exports.lf_run_stride(run)
    const rows = this.floats(this.exports.lf_run_x(run), n * stride)
    return Float32Array.from({ length: n * d }, (_, i) => rows[Math.floor(i / d) * stride + (i % d)])
  }
}
