/**
 * Wang et al. 2020, table 3, left and right: how many times less time and memory a Linformer with layerwise sharing takes than
 * a standard Transformer, on a V100 with 16 GB, with random data and the largest batch that fits.
 */

/** The columns of the table: projected lengths k. */
export const PAPER_KS = [128, 256, 512, 1024, 2048]

/** By tokens: time and memory saved, for each of the first k. @type {Map<number, [time: number, memory: number][]>} */
export const PAPER = new Map([
  [512, [[1.5, 1.7], [1.3, 1.5]]],
  [1024, [[1.7, 3.0], [1.6, 2.9], [1.3, 1.8]]],
  [2048, [[2.6, 6.1], [2.4, 5.6], [2.1, 3.6], [1.3, 2.0]]],
  [4096, [[3.4, 14], [3.2, 13], [2.8, 8.3], [2.2, 4.3], [1.3, 2.3]]],
  [8192, [[5.5, 28], [5.0, 26], [4.4, 17], [3.5, 8.5], [2.1, 4.5]]],
  [16384, [[8.6, 56], [7.8, 48], [7.0, 32], [5.6, 16], [3.3, 8]]],
  [32768, [[13, 56], [12, 48], [11, 36], [8.8, 18], [5.0, 16]]],
  [65536, [[20, 60], [18, 52], [16, 40], [14, 20], [7.9, 18]]]
])
