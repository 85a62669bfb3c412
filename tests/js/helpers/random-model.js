/**
 * A model file with random weights, made in memory: where only the shape matters.
 */
import * as library from 'linformer-wasm'
import { randomWeights } from '../../../bin/random-weights.js'

/**
 * A complete model file. Its tokenizer knows the 256 single bytes and no merges, so a text has as many tokens as bytes.
 *
 * @param {Partial<import('linformer-wasm').Config>} shape
 * @param {{ dtype?: 'F32' | 'F16' | 'I8', seed?: number }} [options] dtype of the matrices
 * @returns {Uint8Array}
 */
export const randomModel = (shape, options) => randomWeights(library, shape, options)
