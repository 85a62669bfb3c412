/** The two chapters on low rank: why few rows suffice, and how E makes them. */
import { find } from '../common/dom.js'
import { SAMPLES, sampleText } from '../page/samples.js'
import { mountFold } from './fold.js'
import { mountLowRank } from './low-rank.js'

/**
 * @param {HTMLElement} rank the first chapter, in the page
 * @param {HTMLElement} folding the second one
 * @param {() => string} text of the document
 */
export function mountSpectrum(rank, folding, text) {
  const options = {
    /** The visitor's text, or a sample's where there is none. */
    async text() {
      const own = text()
      return own.trim() === '' ? { text: await sampleText(SAMPLES[0]), whose: 'a sample' } : { text: own, whose: 'your document' }
    }
  }
  const lowRank = mountLowRank(find(rank, '#rank-body', HTMLElement), find(rank, '#chart-spectrum', HTMLElement), options)
  const fold = mountFold(find(folding, '#fold-body', HTMLElement), options)
  return {
    useModel: fold.useModel,
    documentRead() {
      void lowRank.documentRead()
      void fold.documentRead()
    }
  }
}
