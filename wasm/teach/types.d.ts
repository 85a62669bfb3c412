/** A share and the 95% interval of what it is estimated from. */
export interface Estimate {
  value: number
  low: number
  high: number
}

/** How a label fared. */
export interface LabelReport {
  label: string
  examples: number
  /** Of the documents that were given the label, the share that has it; null if there are none. */
  precision: number | null
  /** Of the documents that have the label, the share that was given it; null if there are none. */
  recall: number | null
  f1: number
}

/** An example whose own label seemed unlikely while it was held out: look at it first. */
export interface Suspect {
  /** Of the example, among those that were given. */
  index: number
  label: string
  /** Probability of its own label; with many, that the label holds or does not, as the example says. */
  score: number
  /** The label that seemed right; with many, the label itself if it is missing, null if it should go. */
  suggested: string | null
}

/** An example that was left out, and why. */
export interface SkippedExample {
  index: number
  code: string
  message: string
}

/**
 * How good a taught head is. All figures are of documents while they were held out, in cross-validation; mix, temperature and
 * thresholds came from the other documents.
 */
export interface TeachReport {
  examples: number
  folds: number
  /** Share of documents whose label (with many, whose whole set of labels) was right. */
  accuracy: Estimate
  /** Mean of the labels' F1. */
  macroF1: Estimate
  /** Expected calibration error: how far scores and the share of right answers are apart, on average. */
  calibrationError: number
  /** With one label a document: confusion[true][predicted], in the order of the head's labels. */
  confusion?: number[][]
  perLabel: LabelReport[]
  /** The lowest score above which 95% of the documents were right, and the share of documents above it; null if there is none. */
  confident: { threshold: number, share: number } | null
  /** At most a tenth of the examples, the most doubtful first. */
  suspects: Suspect[]
  /** What each half reaches alone: TF-IDF of the tokens, and the trunk's vector. */
  alone: Record<'words' | 'encoder', { accuracy: Estimate, macroF1: Estimate }>
  /** Labels with fewer than 8 examples. */
  fewExamples: { label: string, examples: number }[]
  /** Groups of examples that have one text and different labels. */
  sameText: number[][]
  /** Examples that could not be read, and were left out. */
  skipped: SkippedExample[]
  /** Of memory, for the examples and the fit, beside the trunk's. */
  bytes: number
  /** Penalties and factors that cross-validation chose. */
  chosen: Record<'encoder' | 'words', { strength: number, factor: number }>
}

/** A document and its label, or the labels that hold for it (there may be none). */
export type Example = ({ text: string, textPair?: string } | { tokens: Uint16Array | Uint32Array }) &
  ({ label: string, labels?: undefined } | { labels: readonly string[], label?: undefined })

/** A head file for `attach` and `export`, and how good it is. */
export interface Taught {
  head: Uint8Array<ArrayBuffer>
  report: TeachReport
}
