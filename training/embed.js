/**
 * Vectors of documents, as the library's `embed` gives them, for fewshot.py.
 *
 *     node training/embed.js models/general.safetensors < documents.jsonl > vectors.f32
 *
 * Standard input has one {"text"} a line; standard output gets 2 d_model little-endian floats for each, zeros for a text that cannot be
 * read.
 */
import process from 'node:process'
import readline from 'node:readline'
import { load } from '../wasm/node.js'

const trunk = await load(process.argv[2])
for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  let vector = new Float32Array(2 * trunk.config.d_model)
  try {
    [vector] = await trunk.embed([JSON.parse(line).text])
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  }
  if (!process.stdout.write(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))) {
    await new Promise((resolve) => process.stdout.once('drain', resolve))
  }
}
trunk.dispose()
