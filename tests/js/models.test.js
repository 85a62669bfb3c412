/**
 * The shipped models against PyTorch, from text to logits. The goldens come from training/export.py.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import test from 'node:test'
import { load } from 'linformer-wasm'
import { CApi, readSafetensors } from './helpers/c-api.js'

/** @type {Record<string, { tokens: number, classes: number, license: string }>} */
const SHIPPED = {
  sentiment: { tokens: 4096, classes: 2, license: 'MIT' }
}

/** Trunks: the least their vectors may have of the direction of PyTorch's, for each precision. */
const TRUNKS = {
  general: { tokens: 8192, license: 'MIT', bytes: 8e6, cosine: { float32: 1 - 1e-6, int8: 0.999 } }
}

/** Heads on a trunk of them. */
const HEADS = {
  contracts: { labels: 34, kind: 'many', license: 'MIT', bytes: 1e6, surely: { label: 'Governing Law', text: 0 } },
  subjects: { labels: 21, kind: 'one', license: 'MIT', bytes: 5e5, surely: { label: 'Economics', text: 1 } }
}

/**
 * Largest difference of a logit: floats are PyTorch's but for rounding, codes of 8 bits are coarser, and a short text has few rows over
 * which their rounding averages out.
 */
const BOUNDS = { float32: 1e-4, int8: 0.25 }

test('these models are shipped, each with its card', () => {
  const files = readdirSync('models').filter((name) => /\.(safetensors|md)$/.test(name)).sort()
  assert.deepEqual(files, ['digits', ...Object.keys({ ...TRUNKS, ...SHIPPED, ...HEADS })].flatMap((name) => [`${name}.md`, `${name}.safetensors`]).sort())
})

for (const [name, shipped] of Object.entries(SHIPPED)) {
  const path = `models/${name}.safetensors`
  const golden = JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8'))

  for (const [precision, bound] of Object.entries(BOUNDS)) test(`${name} gives the logits of PyTorch for our own texts: ${precision}`, async (t) => {
    const classifier = await load(path, { backend: 'simd128', precision })
    let worst = 0
    for (const { text, ids, logits } of golden) {
      const { tokens, label, explanation } = await classifier.classify(text, { explain: true })
      assert.equal(tokens, ids.length)
      assert.equal(label, classifier.labels[logits.indexOf(Math.max(...logits))])
      explanation.logits.forEach((logit, c) => { worst = Math.max(worst, Math.abs(logit - logits[c])) })
    }
    assert.ok(worst < bound, `difference ${worst}`)
    t.diagnostic(`largest difference of a logit ${worst.toExponential(2)}`)
  })

  test(`${name} gives the token ids of Hugging Face tokenizers`, () => {
    const { metadata, tensors } = readSafetensors(path)
    const api = new CApi('wasm/dist/linformer-simd128.wasm')
    const tokenizer = api.tokenizer(tensors, JSON.parse(metadata.tokenizer).lowercase)
    for (const { text, ids } of golden) {
      const tokens = api.tokenize(tokenizer, new TextEncoder().encode(text), 4096)
      assert.deepEqual(tokens.filter((_, i) => i % 3 === 0), ids)
    }
  })

  test(`${name} has its capacity, shares one projection, is at most 5 MB and says what it is`, async () => {
    const classifier = await load(path)
    assert.ok(classifier.config.n_max >= shipped.tokens)
    assert.equal(classifier.config.sharing, 'layerwise')
    assert.equal(classifier.labels.length, shipped.classes)
    assert.equal(classifier.metadata.license, shipped.license)
    assert.ok(statSync(path).size <= 5e6)
  })

  test(`${name} takes a text of one word, or of one character`, async () => {
    const classifier = await load(path)
    for (const text of ['wonderful', 'tax', 'a', '!']) {
      const { scores, tokens } = await classifier.classify(text)
      assert.ok(tokens >= 1)
      assert.equal(scores.length, shipped.classes)
      assert.ok(Math.abs(scores.reduce((sum, { score }) => sum + score, 0) - 1) < 1e-9)
    }
  })
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
const cosine = (a, b) => {
  const dot = (x, y) => Array.from(x).reduce((sum, value, i) => sum + value * y[i], 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

for (const [name, shipped] of Object.entries(TRUNKS)) {
  const golden = JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8'))

  for (const [precision, least] of Object.entries(shipped.cosine)) test(`${name} gives the vectors of PyTorch for our own texts: ${precision}`, async () => {
    const trunk = await load(name, { backend: 'simd128', precision })
    for (const { text, vector } of golden) assert.ok(cosine(await trunk.embed(text), vector) >= least)
    trunk.dispose()
  })

  test(`${name} has its capacity, shares one projection, and says what it is`, async () => {
    const trunk = await load(name)
    assert.ok(trunk.config.n_max >= shipped.tokens)
    assert.equal(trunk.config.sharing, 'layerwise')
    assert.equal(trunk.metadata.license, shipped.license)
    assert.ok(statSync(`models/${name}.safetensors`).size <= shipped.bytes)
    trunk.dispose()
  })

  test(`${name} finds texts alike that share a subject and no word`, async () => {
    const trunk = await load(name)
    const [loan, mortgage, cells] = await trunk.embed([
      'Banks raised interest rates on every loan.', 'Borrowing money for a house has become dearer, lenders say.', 'Enzymes inside bacteria digest proteins.'
    ])
    assert.ok(cosine(loan, mortgage) > cosine(loan, cells) + 0.1)
    trunk.dispose()
  })
}

for (const [name, shipped] of Object.entries(HEADS)) {
  const path = `models/${name}.safetensors`
  const golden = JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8'))

  for (const [precision, bound] of Object.entries({ float32: 1e-3, int8: 0.5 })) test(`${name} gives the logits of PyTorch for our own texts: ${precision}`, async (t) => {
    const classifier = await load(name, { backend: 'simd128', precision })
    let worst = 0
    for (const { text, ids, logits } of golden) {
      const { tokens, explanation } = await classifier.classify(text, { explain: true })
      assert.equal(tokens, ids.length)
      explanation.logits.forEach((logit, c) => { worst = Math.max(worst, Math.abs(logit - logits[c])) })
    }
    assert.ok(worst < bound, `difference ${worst}`)
    t.diagnostic(`largest difference of a logit ${worst.toExponential(2)}`)
    classifier.dispose()
  })

  test(`${name} is a head on a shipped trunk, is small enough, and says what it is`, async () => {
    const { metadata } = readSafetensors(path)
    const trunk = readFileSync(`models/${metadata.trunk_name}.safetensors`)
    assert.equal(metadata.trunk, `sha256-${createHash('sha256').update(trunk).digest('base64')}`)
    assert.equal(metadata.license, shipped.license)
    assert.ok(statSync(path).size <= shipped.bytes)
    const classifier = await load(name)
    assert.deepEqual([classifier.name, classifier.labels.length, classifier.labelsKind], [name, shipped.labels, shipped.kind])
    const { label, typicality } = await classifier.classify(golden[shipped.surely.text].text)
    assert.equal(label, shipped.surely.label)
    assert.ok(typicality > 0 && typicality <= 1)
    classifier.dispose()
  })
}

test('contracts: what is found has the window that it was found in, wherever the clause stands', async () => {
  const classifier = await load('contracts')
  const clause = 'This Agreement shall be governed by and construed in accordance with the laws of the State of Delaware.'
  const filler = 'The Supplier shall pack the goods with care and shall send them to the place that the Buyer names. '
  for (const before of [0, 40, 900]) {
    const text = `${filler.repeat(before)}${clause} ${filler.repeat(40)}`
    const { found, windows } = await classifier.classify(text)
    const law = found.find(({ label }) => label === 'Governing Law')
    const start = text.indexOf(clause)
    assert.ok(law.start < start + clause.length && law.end > start, `${before}: ${law.start} to ${law.end}, and it is at ${start}`)
    assert.ok(law.end - law.start < 1200, 'a window, not the document')
    assert.equal(windows, before === 900 ? 3 : 1)
  }
  classifier.dispose()
})

test('one word decides where it says all', async () => {
  const sentiment = await load('models/sentiment.safetensors')
  assert.equal((await sentiment.classify('wonderful')).label, 'positive')
  assert.equal((await sentiment.classify('awful')).label, 'negative')
})

test('a denial or a turn decides against the words around it', async () => {
  const sentiment = await load('sentiment')
  for (const [text, expected] of [
    ['not bad at all', 'positive'], ['not a good film', 'negative'], ['Never boring, never dull.', 'positive'],
    ['I expected to hate it, and loved it.', 'positive'], ['I expected to love it, and hated it.', 'negative']
  ]) assert.equal((await sentiment.classify(text)).label, expected, text)
  sentiment.dispose()
})

test('sentiment knows a review and a sentence about a film, a contract as something else, and a chapter as next to nothing that it knows', async () => {
  const sentiment = await load('sentiment')
  const sample = (/** @type {string} */ name) => readFileSync(`web/samples/${name}.txt`, 'utf8')
  for (const text of [sample('review'), sample('note'), 'A dull film.', 'It is a charming and often affecting journey.']) {
    const { typicality, doubt } = await sentiment.classify(text)
    assert.ok(typicality > 0.01 && doubt !== 'unlike', text.slice(0, 60))
  }
  const { typicality, doubt } = await sentiment.classify(sample('contract'))
  assert.ok(typicality < 0.01 && doubt === 'unlike')
  assert.ok((await sentiment.classify(sample('chapter'))).typicality < 0.05)
  sentiment.dispose()
})
