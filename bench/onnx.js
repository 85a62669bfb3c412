/**
 * A model as an ONNX file, for other runtimes: the forward pass of training/model.py for one document of exactly n_max
 * tokens, so that every shape is fixed and the runtime can optimise all it wants.
 *
 * int8 is what onnxruntime's quantize_dynamic makes of the float graph: weights of the linear maps and the embeddings as
 * int8 with one scale, activations as uint8 with a scale found at run time.
 */
import { readFileSync } from 'node:fs'
import protobuf from 'protobufjs'

/** @typedef {import('./model.js').Model} Model */

const OPSET = 20
const FLOAT = 1
const INT8 = 3
const INT64 = 7

/** The type of a whole file, for writing and reading. */
export const OnnxModel = protobuf.parse(readFileSync(new URL('onnx.proto', import.meta.url), 'utf8'), { keepCase: true }).root.lookupType('Model')

/** @param {string} name @param {number} type @param {number[]} shape */
const value = (name, type, shape) => {
  return { name, type: { tensor_type: { elem_type: type, shape: { dim: shape.map((size) => ({ dim_value: size })) } } } }
}

/** @param {string} name @param {number | string | number[]} content whole numbers, a name, or `epsilon` */
function attribute(name, content) {
  if (typeof content === 'string') return { name, s: new TextEncoder().encode(content), type: 3 }
  if (Array.isArray(content)) return { name, ints: content, type: 7 }
  return Number.isInteger(content) ? { name, i: content, type: 2 } : { name, f: content, type: 1 }
}

class Graph {
  /** @type {object[]} */
  operations = []
  /** @type {Map<string, object>} */
  constants = new Map()
  #count = 0

  /** @param {string} op_type @param {string[]} input @param {Record<string, number | string | number[]>} [attributes] @param {number} [outputs] @returns {string[]} */
  nodes(op_type, input, attributes = {}, outputs = 1) {
    const output = Array.from({ length: outputs }, () => `t${this.#count++}`)
    this.operations.push({ op_type, input, output, attribute: Object.entries(attributes).map(([name, content]) => attribute(name, content)) })
    return output
  }

  /** @param {string} op @param {string[]} inputs @param {Record<string, number | string | number[]>} [attributes] @returns {string} */
  node(op, inputs, attributes) {
    return this.nodes(op, inputs, attributes)[0]
  }

  /** @param {string} name @param {number} type @param {number[]} dims @param {ArrayBufferView} data @returns {string} */
  constant(name, type, dims, data) {
    const raw_data = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    this.constants.set(name, { name, data_type: type, dims, raw_data })
    return name
  }
}

/** @param {Float32Array} data [rows, columns] @param {number} rows @param {number} columns */
function transposed(data, rows, columns) {
  const out = new Float32Array(data.length)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j]
  return out
}

/** int8 with one scale for the whole matrix. @param {Float32Array} data */
function quantise(data) {
  const scale = data.reduce((most, w) => Math.max(most, Math.abs(w)), 0) / 127
  return { scale, data: Int8Array.from(data, (w) => Math.round(w / scale)) }
}

/**
 * @param {Model} model with layerwise sharing of a linear projection, or full attention, learned positions, mean pooling and perhaps a stem
 * @param {'float32' | 'int8'} precision
 * @returns {Uint8Array} an ONNX file: ids [n_max] int64 to logits [1, n_classes]
 */
export function onnxFile({ config, weights }, precision) {
  const { n_max: n, d_model: d, n_heads: heads, n_layers: layers, n_classes: classes, attention, stem } = config
  const graph = new Graph()

  const weight = (/** @type {string} */ name) => {
    const { shape, data } = /** @type {import('./model.js').Weight} */ (weights.get(name))
    return graph.constant(name, FLOAT, shape, data)
  }
  const numbers = (/** @type {number[]} */ ...content) => graph.constant(`ints ${content}`, INT64, [content.length], BigInt64Array.from(content, BigInt))
  const norm = (/** @type {string} */ x, /** @type {string} */ name) =>
    graph.node('LayerNormalization', [x, weight(`${name}.weight`), weight(`${name}.bias`)], { axis: 1, epsilon: 1e-5 })

  /** x [rows, in] W^T + b */
  const linear = (/** @type {string} */ x, /** @type {string} */ name) => {
    const bias = weight(`${name}.bias`)
    if (precision === 'float32') return graph.node('Gemm', [x, weight(`${name}.weight`), bias], { transB: 1 })
    const { shape: [out, into], data } = /** @type {import('./model.js').Weight} */ (weights.get(`${name}.weight`))
    const quantised = quantise(transposed(data, out, into))
    const [q, qScale, qZero] = graph.nodes('DynamicQuantizeLinear', [x], {}, 3)
    const w = graph.constant(`${name}.quantised`, INT8, [into, out], quantised.data)
    const zero = graph.constant(`${name}.zero`, INT8, [], new Int8Array(1))
    const product = graph.node('Cast', [graph.node('MatMulInteger', [q, w, qZero, zero])], { to: FLOAT })
    const wScale = graph.constant(`${name}.scale`, FLOAT, [], Float32Array.of(quantised.scale))
    return graph.node('Add', [graph.node('Mul', [product, graph.node('Mul', [qScale, wScale])]), bias])
  }
  const table = (/** @type {string} */ name) => {
    if (precision === 'float32') return { rows: weight(name), widen: (/** @type {string} */ rows) => rows }
    const { shape, data } = /** @type {import('./model.js').Weight} */ (weights.get(name))
    const quantised = quantise(data)
    const scale = graph.constant(`${name}.scale`, FLOAT, [], Float32Array.of(quantised.scale))
    return {
      rows: graph.constant(`${name}.quantised`, INT8, shape, quantised.data),
      widen: (/** @type {string} */ rows) => graph.node('DequantizeLinear', [rows, scale])
    }
  }
  const add = (/** @type {string} */ a, /** @type {string} */ b) => graph.node('Add', [a, b])

  /** [rows, d_model] to [n_heads, rows, d_head], or [n_heads, d_head, rows] */
  const split = (/** @type {string} */ x, /** @type {number[]} */ order) =>
    graph.node('Transpose', [graph.node('Reshape', [x, numbers(0, heads, d / heads)])], { perm: order })

  const token = table('embed.token.weight')
  const position = table('embed.position.weight')
  const gelu = (/** @type {string} */ x) => graph.node('Gelu', [x], { approximate: 'tanh' })
  const tokens = token.widen(graph.node('Gather', [token.rows, 'ids']))
  let x = add(tokens, position.widen(position.rows))
  if (stem) { // each token beside the one before and the one after it, zeros beyond the ends
    const none = graph.constant('none', FLOAT, [1, d], new Float32Array(d))
    const rows = (/** @type {number} */ from, /** @type {number} */ to) => graph.node('Slice', [tokens, numbers(from), numbers(to), numbers(0)])
    const previous = graph.node('Concat', [none, rows(0, n - 1)], { axis: 0 })
    const following = graph.node('Concat', [rows(1, n), none], { axis: 0 })
    const three = graph.node('Concat', [previous, tokens, following], { axis: 1 })
    x = add(x, linear(gelu(linear(three, 'stem.in')), 'stem.out'))
  }
  for (let layer = 0; layer < layers; layer++) {
    const at = `layers.${layer}`
    const h = norm(x, `${at}.attn_norm`)
    const p = attention === 'full' ? h : graph.node('MatMul', [weight('attn.E'), h])
    const scale = graph.constant('scale', FLOAT, [], Float32Array.of(1 / Math.sqrt(d / heads)))
    const query = split(graph.node('Mul', [linear(h, `${at}.attn.query`), scale]), [1, 0, 2])
    const key = split(linear(p, `${at}.attn.key`), [1, 2, 0])
    const values = split(linear(p, `${at}.attn.value`), [1, 0, 2])
    const probs = graph.node('Softmax', [graph.node('MatMul', [query, key])], { axis: 2 })
    const ctx = graph.node('Transpose', [graph.node('MatMul', [probs, values])], { perm: [1, 0, 2] })
    x = add(x, linear(graph.node('Reshape', [ctx, numbers(n, d)]), `${at}.attn.out`))
    const inner = gelu(linear(norm(x, `${at}.ffn_norm`), `${at}.ffn.in`))
    x = add(x, linear(inner, `${at}.ffn.out`))
  }
  const pooled = graph.node('ReduceMean', [norm(x, 'norm'), numbers(0)], { keepdims: 1 })
  const logits = graph.node('Gemm', [pooled, weight('head.weight'), weight('head.bias')], { transB: 1 })
  const content = {
    ir_version: 10,
    producer_name: 'linformer-wasm',
    opset_import: [{ version: OPSET }],
    graph: {
      name: 'linformer',
      node: graph.operations,
      initializer: [...graph.constants.values()],
      input: [value('ids', INT64, [n])],
      output: [value(logits, FLOAT, [1, classes])]
    }
  }
  return OnnxModel.encode(content).finish()
}
