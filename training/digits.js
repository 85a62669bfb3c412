/**
 * What the engine says of images, for digits.py.
 *
 *     node training/digits.js models/digits.safetensors < images > answers.jsonl
 *
 * Standard input has 784 bytes for each image, grey from 0 to 255; standard output gets one {"label", "score"} a line.
 */
import process from 'node:process'
import { load } from '../wasm/node.js'

const PIXELS = 784

const classifier = await load(process.argv[2])
const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const images = Buffer.concat(chunks)
if (images.length % PIXELS !== 0) throw new Error(`${images.length} bytes are not images of ${PIXELS} bytes each`)
for (let at = 0; at < images.length; at += PIXELS) {
  const { label, score } = await classifier.classify({ tokens: Uint32Array.from(images.subarray(at, at + PIXELS), (grey) => grey + 1) })
  process.stdout.write(`${JSON.stringify({ label, score })}\n`)
}
classifier.dispose()
