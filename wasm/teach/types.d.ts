/** A share and the 95% interval of what it is estimated from. */
export interface Estimate {
  value: number
  low: number
  high: number
}

/** How a label fared. */
export interface LabelReport {
  label: string
  /** Documents that have the label. */
  examples: number
  /** Of the documents that were given the label, the share that has it; null if there are none. */
  precision: number | null
  /** Of the documents that have the label, the share that was given it; null if there are none. */
  recall: number | null
  /** Null if no document has the label; it then has no part in `macroF1` either. */
  f1: number | null
  /** With many: the area below the curve of precision by recall; null if no document has the label. */
  averagePrecision?: number | null
}

/** How good a classifier is, by documents that it was not fitted on. */
export interface Assessment {
  /** Documents. */
  examples: number
  /** Share of documents whose label (with many, whose whole set of labels) was right. */
  accuracy: Estimate
  /** Mean of the F1 of the labels that have documents; those without are left out. */
  macroF1: Estimate
  /** With many: F1 of all pairs of a document and a label. */
  microF1?: Estimate
  /** With many: mean of the labels' average precision; labels without documents are left out. */
  meanAveragePrecision?: number
  /** Expected calibration error: how far scores and the share of right answers are apart, on average. */
  calibrationError: number
  /** With one label a document: confusion[true][predicted], in the order of the labels. */
  confusion?: number[][]
  /** In the order of the labels. */
  perLabel: LabelReport[]
  /**
   * The lowest score such that at least 95% of the documents with it or more were right, and the 95% interval of that share lies above
   * 90%; and the share of documents with such scores. Null if there is none, and with many.
   */
  confident: { threshold: number, share: number } | null
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
export interface TeachReport extends Assessment {
  folds: number
  /** At most a tenth of the examples, or 20, the most doubtful first. */
  suspects: Suspect[]
  /** What each half reaches alone: TF-IDF of the tokens, and the trunk's vector. */
  alone: Record<'words' | 'encoder', { accuracy: Estimate, macroF1: Estimate }>
  /** Labels with fewer than 8 examples. */
  fewExamples: { label: string, examples: number }[]
  /** Groups of examples that have one text and different labels. */
  sameText: number[][]
  /**
   * Groups of examples whose texts are nearly the same, as versions of one text are, and whose labels differ. They were held out together,
   * as versions with the same label are; they are named here because one of the labels may be wrong.
   */
  nearDuplicates: number[][]
  /** Examples that could not be read, and were left out. */
  skipped: SkippedExample[]
  /** Of memory, for the examples and the fit, beside the trunk's. */
  bytes: number
  /** Penalties and factors that cross-validation chose, and the power of the words' IDF: 0.5, 1 or 1.5. */
  chosen: { encoder: { strength: number, factor: number }, words: { strength: number, factor: number, power: number } }
}

/** A document that was labelled wrongly. */
export interface Mistake {
  /** Of the document, among those that were given. */
  index: number
  /** The labels that it has; one, unless many may hold. */
  labels: string[]
  /** The labels that it was given. */
  predicted: string[]
  /** The label that is most wrong: given and not there, or, with many, there and not given. */
  label: string
  /** The score of that label. */
  score: number
  /** The passage that contributed most to the mistake; undefined where nothing of the document did. */
  passage?: { input: 'text' | 'textPair' | 'tokens', start: number, end: number, text: string }
}

/** How good a classifier is on documents whose labels are known. */
export interface Evaluation extends Assessment {
  /** The worst, at most `EvaluateOptions.mistakes`: those whose own labels seemed least likely. */
  mistakes: Mistake[]
  /** Documents that could not be read, or have a label that the classifier does not know. */
  skipped: SkippedExample[]
}

export interface EvaluateOptions {
  /** As of `classify`. */
  overflow?: 'window' | 'truncate' | 'error'
  /** Most mistakes that are named, each with its passage, for which it is read once more. Default: 10. */
  mistakes?: number
  signal?: AbortSignal
  /** `examples`: documents that have been read. */
  onProgress?: (event: { phase: 'examples', done: number, total: number | undefined }) => void
}

/** A document and its label, or the labels that hold for it (there may be none). */
export type Example = ({ text: string, textPair?: string } | { tokens: Uint16Array | Uint32Array }) &
  ({ label: string, labels?: undefined } | { labels: readonly string[], label?: undefined })

/** A head file for `attach` and `export`, and how good it is. */
export interface Taught {
  head: Uint8Array<ArrayBuffer>
  report: TeachReport
}
