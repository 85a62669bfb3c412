/**
 * Versions of one text among the examples: which texts are taken for that, and that they are held out together.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { load } from 'linformer-wasm'
import { dealFolds, hashOf } from '../../wasm/teach/folds.js'
import { compareSketches, groupVersions, sketchOfText, sketchOfWords } from '../../wasm/teach/near-duplicates.js'
import { randomModel } from './helpers/random-model.js'

/** @param {number} seed @returns {(below: number) => number} whole numbers */
function random(seed) {
  let state = seed
  return (below) => {
    state = (state * 48271) % 2147483647
    return state % below
  }
}
const shuffled = (/** @type {any[]} */ list, /** @type {number} */ seed) => {
  const next = random(seed)
  return list.map((each) => ({ each, at: next(1e9) })).sort((a, b) => a.at - b.at).map(({ each }) => each)
}
const prose = (/** @type {number} */ seed, /** @type {number} */ words) => {
  const next = random(seed)
  return Array.from({ length: words }, () => `w${next(3000)}`)
}
/** Some of the words become others. */
const rewritten = (/** @type {string[]} */ words, /** @type {number} */ each) => words.map((word, i) => i % each === each - 1 ? `other${i}` : word)

const groupsOf = (/** @type {string[]} */ texts, fits = (/** @type {number[]} */ _) => true) => [...groupVersions(texts.map(sketchOfText), fits)]
const areTogether = (/** @type {string} */ a, /** @type {string} */ b) => new Set(groupsOf([a, b])).size === 1

/** The resemblance as it is defined: of the runs of three words that either has, the share of those that both have. */
function exactResemblance(/** @type {string[]} */ a, /** @type {string[]} */ b) {
  const [one, other] = [a, b].map((words) => new Set(words.slice(2).map((word, i) => `${words[i]} ${words[i + 1]} ${word}`)))
  const shared = [...one].filter((run) => other.has(run)).length
  return shared / (one.size + other.size - shared)
}

test('the resemblance is that of the sets of word runs: exact for short texts, near it for long ones', () => {
  for (const [length, within] of [[20, 0], [60, 0], [600, 0.14], [5000, 0.14]]) {
    for (const each of [3, 6, 9, 20, 50]) {
      const words = prose(length + each, length)
      const others = rewritten(words, each)
      const { resemblance } = compareSketches(sketchOfText(words.join(' ')), sketchOfText(others.join(' ')))
      const exact = exactResemblance(words, others)
      assert.ok(Math.abs(resemblance - exact) <= within + 1e-12, `${length} words, each ${each}th another: ${resemblance}, not ${exact}`)
    }
  }
  assert.ok(sketchOfText(prose(1, 5000).join(' ')).length < 200)
  assert.equal(compareSketches(new Uint32Array(0), new Uint32Array(0)).resemblance, 0)
})

test('versions of a text are found: words replaced, a mail quoted, a form filled in anew, one word changed', () => {
  const article = prose(1, 700)
  assert.ok(areTogether(article.join(' '), rewritten(article, 7).join(' ')))
  const mail = prose(2, 80).join(' ')
  assert.ok(areTogether(mail, `Thank you, we shall see to it tomorrow.\n\n> ${mail.replaceAll(' w1', '\n> w1')}`))
  const form = (/** @type {string} */ name, /** @type {string} */ day) => `Name of the tenant: ${name}. I give notice that I shall leave the flat on ${day}. Please send my deposit to the account below.`
  assert.ok(areTogether(form('Ada Byron', '3 May'), form('Alan Turing', '1 June')))
  assert.ok(areTogether('The boiler in the kitchen has been cold since Monday.', 'The boiler in the bathroom has been cold since Monday.'))
  assert.ok(areTogether('Yes!', 'yes'))
})

test('texts that share a topic, an opening or a few words are not', () => {
  assert.ok(!areTogether(prose(3, 700).join(' '), prose(4, 700).join(' ')))
  const opening = 'Dear Sir or Madam, I am writing to you about my flat. '
  assert.ok(!areTogether(opening + prose(5, 60).join(' '), opening + prose(6, 60).join(' ')))
  assert.ok(!areTogether('What is the name of the man who built the tower?', 'What is the name of the highest mountain in Peru?'))
  assert.ok(!areTogether('Who is Ada?', 'Who is Alan?'))
  assert.ok(!areTogether('Yes.', 'No.'))
  // Without a word there is nothing to go by.
  assert.ok(!areTogether('...', '!!!'))
  for (const pictographs of ['\u{1f600}\u{1f601}\u{1f602}', '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}', '\u2764\ufe0f\u{1f44d}\u{1f3fd}']) assert.equal(sketchOfText(pictographs).length, 0)
})

test('text in any script, with any spaces, case, punctuation and form of accents', () => {
  for (const [text, version, other] of [
    ['Котёл на кухне холодный с понедельника, и никто не приходит его чинить.', 'котёл на кухне ХОЛОДНЫЙ со вторника — и никто не приходит его чинить', 'Соседи сверху каждый вечер громко слушают музыку, и мы не можем спать.'],
    ['厨房里的锅炉从星期一开始就不热了，没有人来修理。', '厨房里的锅炉从星期二开始就不热了，没有人来修理', '楼上的邻居每天晚上都大声放音乐，我们睡不着觉。'],
    ['台所のボイラーが月曜日から冷たいままで、誰も修理に来ません。', '台所のボイラーが火曜日から冷たいままで、誰も修理に来ません！', '上の階の住人が毎晩大きな音で音楽を流すので眠れません。'],
    ['หม้อต้มน้ำในครัวเย็นตั้งแต่วันจันทร์และไม่มีใครมาซ่อม', 'หม้อต้มน้ำในครัวเย็นตั้งแต่วันอังคารและไม่มีใครมาซ่อม', 'เพื่อนบ้านชั้นบนเปิดเพลงเสียงดังทุกคืน เรานอนไม่หลับ'],
    ['المرجل في المطبخ بارد منذ يوم الاثنين ولا يأتي أحد لإصلاحه', 'المرجل في المطبخ بارد منذ يوم الثلاثاء، ولا يأتي أحد لإصلاحه!', 'الجيران في الطابق العلوي يشغلون الموسيقى كل ليلة ولا نستطيع النوم'],
    ['रसोई का बॉयलर सोमवार से ठंडा है और कोई उसे ठीक करने नहीं आता।', 'रसोई का बॉयलर मंगलवार से ठंडा है और कोई उसे ठीक करने नहीं आता', 'ऊपर के पड़ोसी हर रात तेज़ संगीत बजाते हैं और हम सो नहीं पाते।']
  ]) {
    assert.ok(areTogether(text, version), text)
    assert.ok(!areTogether(text, other), other)
  }
  const text = 'Caf\u00e9 au lait, s\u2019il vous pla\u00eet: le gar\u00e7on'
  assert.deepEqual(sketchOfText(text), sketchOfText(`  ${text.normalize('NFD').toUpperCase().replaceAll(' ', '\n\t')} ?!`))
  assert.deepEqual(sketchOfText('\uff21\uff22\uff23 def ghi'), sketchOfText('abc def ghi')) // full width
  assert.ok(sketchOfText('\ud800 \udfff \ud83d').length > 0) // halves of characters
})

test('tokens are words', () => {
  const words = prose(7, 40).map((word) => Number(word.slice(1)))
  const { resemblance } = compareSketches(sketchOfWords(Uint16Array.from(words)), sketchOfWords(Uint32Array.from(words.map((word, i) => i === 20 ? 3001 : word))))
  assert.ok(Math.abs(resemblance - 35 / 41) < 1e-12, String(resemblance))
  assert.equal(sketchOfWords([]).length, 0)
})

test('groups are those of the texts, in any order', () => {
  const texts = Array.from({ length: 60 }, (_, i) => rewritten(prose(Math.floor(i / 3) + 1, 50 + 10 * Math.floor(i / 3)), 9 + i % 3 * 3).join(' '))
  const byText = (/** @type {string[]} */ list) => {
    const groups = groupsOf(list)
    const sets = new Map(groups.map((group) => [group, list.filter((_, i) => groups[i] === group).sort()]))
    return [...sets.values()].map((set) => set.join('\n')).sort()
  }
  const expected = byText(texts)
  assert.equal(expected.length, 20)
  for (const seed of [1, 2, 3]) assert.deepEqual(byText(shuffled(texts, seed)), expected)
})

test('a group that is too large is not made: of its members the closest stay together', () => {
  const form = prose(8, 100)
  const filled = (/** @type {string[]} */ own) => [...form, ...own].join(' ')
  // All forms are alike. Two of them are filled in alike, but for the last word.
  const letter = prose(9, 40)
  const forms = Array.from({ length: 40 }, (_, i) => filled(prose(100 + i, 40)))
  const texts = [...forms, filled(letter), filled([...letter.slice(0, 39), 'regards'])]
  assert.equal(new Set(groupsOf(texts)).size, 1)
  const groups = groupsOf(texts, (group) => group.length <= 10)
  assert.equal(groups[40], groups[41])
  assert.equal(groups.filter((group) => group === groups[40]).length, 2)
  assert.ok(new Set(groups).size > 25)
  // Texts that are alike one by one, the first and the last not at all.
  const long = prose(10, 2000)
  const chain = Array.from({ length: 100 }, (_, i) => long.slice(15 * i, 15 * i + 60).join(' '))
  assert.equal(new Set(groupsOf(chain)).size, 1)
  const lengths = new Map()
  for (const group of groupsOf(chain, (group) => group.length <= 10)) lengths.set(group, (lengths.get(group) ?? 0) + 1)
  assert.ok(Math.max(...lengths.values()) <= 10)
})

/** Folds of texts, in the order of their hashes. @param {{ text: string, label: number }[]} examples */
function dealt(examples) {
  const rows = examples.map((example) => ({ ...example, hash: hashOf(example.text) })).sort((a, b) => a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : a.label - b.label)
  const { folds, fold, group } = dealFolds({ hashes: rows.map(({ hash }) => hash), sketches: rows.map(({ text }) => sketchOfText(text)), labels: rows.map(({ label }) => label) })
  return { rows: rows.map((row, i) => ({ ...row, fold: fold[i], group: group[i] })), folds }
}

/** Every label is fitted and held out in several folds, about evenly. @param {ReturnType<typeof dealt>} dealt */
function assertSpread({ rows, folds }) {
  for (const label of new Set(rows.map((row) => row.label))) {
    const own = rows.filter((row) => row.label === label)
    const times = Array.from({ length: folds }, (_, fold) => own.filter((row) => row.fold === fold).length)
    const most = Math.max(...times)
    assert.ok(own.length < 2 || most < own.length, `label ${label}: ${times}`)
    assert.ok(most <= 2 * Math.ceil(own.length / folds), `label ${label}: ${times}`)
  }
  const sizes = Array.from({ length: folds }, (_, fold) => rows.filter((row) => row.fold === fold).length)
  assert.ok(Math.min(...sizes) > 0 && Math.max(...sizes) <= 1.6 * rows.length / folds + 1, String(sizes))
}

test('versions are in one fold, whatever their labels, and each label is in all folds', () => {
  // Three levels of each article, as in OneStopEnglish.
  const levels = Array.from({ length: 120 }, (_, i) => ({ text: rewritten(prose(20 + Math.floor(i / 3), 300), [1000, 9, 7][i % 3]).join(' '), label: i % 3 }))
  const result = dealt(levels)
  assertSpread(result)
  const articleOf = new Map(levels.map(({ text }, i) => [text, Math.floor(i / 3)]))
  const folds = new Map()
  for (const { text, fold } of result.rows) {
    const article = articleOf.get(text)
    assert.equal(folds.get(article) ?? fold, fold)
    folds.set(article, fold)
  }
  assert.equal(new Set(result.rows.map(({ group }) => group)).size, 40)
})

test('training/folds.js gives the folds of documents in the order in which they come', () => {
  const documents = Array.from({ length: 30 }, (_, i) => ({ text: rewritten(prose(30 + i % 10, 100), 20 + i).join(' '), label: i % 3 === 0 ? 'a' : 'b' }))
  const script = fileURLToPath(new URL('../../training/folds.js', import.meta.url))
  const { stdout, stderr } = spawnSync(process.execPath, [script], { input: documents.map((row) => `${JSON.stringify(row)}\n`).join(''), encoding: 'utf8' })
  const { rows } = dealt(documents.map(({ text, label }) => ({ text, label: label === 'a' ? 0 : 1 })))
  const foldOf = new Map(rows.map(({ text, fold }) => [text, fold]))
  assert.deepEqual(JSON.parse(stdout), documents.map(({ text }) => foldOf.get(text)), stderr)
})

test('a thousand forms are dealt out; a label of which all texts are versions is in several folds', () => {
  const next = random(5)
  const form = prose(11, 60)
  const forms = Array.from({ length: 1000 }, (_, i) => ({ text: [...form, ...prose(1000 + i, 10)].join(' '), label: next(3) }))
  assertSpread(dealt(forms))
  for (const count of [2, 3, 5, 8, 20]) {
    const same = Array.from({ length: count }, (_, i) => ({ text: rewritten(prose(12, 100), 20 + i).join(' '), label: 3 }))
    assertSpread(dealt([...forms.slice(0, 30), ...same]))
    assertSpread(dealt([...same, ...Array.from({ length: count }, (_, i) => ({ text: rewritten(prose(13, 100), 20 + i).join(' '), label: 4 }))]))
  }
})

test('many labels of few texts, with versions among them, are spread', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const next = random(seed)
    const examples = Array.from({ length: 90 }, (_, i) => ({ text: [...rewritten(prose(next(40) + 1, 40), 9 + i % 12), `end${i}`].join(' '), label: next(20) }))
    assertSpread(dealt(examples))
  }
})

test('of a label with three to five texts, two versions are in one fold; no fold is empty', () => {
  for (const count of [3, 4, 5]) {
    for (const labels of [2, 3, 8]) {
      // Of each label the first two texts are versions.
      const examples = Array.from({ length: labels * count }, (_, i) => {
        const [label, at] = [Math.floor(i / count), i % count]
        const words = prose(200 + 10 * label + Math.max(1, at), 60)
        return { text: (at === 0 ? rewritten(words, 20) : words).join(' '), label }
      })
      const result = dealt(examples)
      assertSpread(result)
      for (let label = 0; label < labels; label++) {
        const [a, b] = [0, 1].map((at) => result.rows.find(({ text }) => text === examples[label * count + at].text)?.fold)
        assert.equal(a, b, `${labels} labels of ${count}: label ${label}`)
      }
    }
  }
})

test('where no two texts are versions, folds are dealt in turn, label by label, in the order of hashes', () => {
  for (const [n, labels] of [[4, 2], [7, 3], [40, 2], [333, 20], [5200, 7]]) {
    const next = random(n)
    const examples = Array.from({ length: n }, (_, i) => ({ text: prose(50 + i % Math.ceil(0.9 * n), 12).join(' '), label: next(labels) }))
    const { rows, folds } = dealt(examples)
    assert.equal(folds, n < 5000 ? Math.min(5, new Set(rows.map(({ hash }) => hash)).size) : 3)
    let turn = 0
    const expected = new Map()
    for (const { hash } of [...rows.keys()].sort((a, b) => rows[a].label - rows[b].label || a - b).map((i) => rows[i])) {
      if (!expected.has(hash)) expected.set(hash, turn++ % folds)
    }
    assert.deepEqual(rows.map(({ fold }) => fold), rows.map(({ hash }) => expected.get(hash)))
  }
})

test('teaching: the estimate is not misled by versions, and those with different labels are named', async () => {
  const trunk = await load(randomModel({ n_max: 256 }), { deterministic: true, headRoom: 2 ** 17 })
  // Labels that mean nothing, and each text twice, but for a word: whoever has seen one of two knows the other.
  const letters = random(1)
  const copies = Array.from({ length: 24 }, () => {
    const label = `label ${letters(1000) % 2}`
    const own = Array.from({ length: 5 }, () => 97 + letters(26))
    const words = Array.from({ length: 20 }, () => String.fromCharCode(...Array.from({ length: 4 }, () => own[letters(5)])))
    return [words, rewritten(words, 11)].map((version) => ({ text: version.join(' '), label }))
  }).flat()
  const { head, report } = await trunk.teach(copies)
  assert.ok(report.accuracy.value < 0.75, JSON.stringify(report.accuracy))
  assert.deepEqual(report.nearDuplicates, [])
  assert.deepEqual((await trunk.teach(shuffled(copies, 3))).head, head)
  const wrong = copies.map((copy, i) => i === 4 ? { ...copy, label: copy.label === 'label 0' ? 'label 1' : 'label 0' } : copy)
  assert.deepEqual((await trunk.teach(wrong)).report.nearDuplicates, [[4, 5]])
  const many = wrong.map(({ text, label }) => ({ text, labels: label === 'label 0' ? [] : [label] }))
  assert.deepEqual((await trunk.teach(many)).report.nearDuplicates, [[4, 5]])
  trunk.dispose()
})
