/**
 * What the paper reports, for comparison: Wang et al. 2020, table 3, the column of k = 128. How many times less time and
 * memory the Linformer with layerwise sharing takes than a standard Transformer, on a V100 with 16 GB, with random data
 * and the largest batch that fits.
 *
 * @type {Map<number, { time: number, memory: number }>} by tokens
 */
export const PAPER = new Map([
  [512, { time: 1.5, memory: 1.7 }],
  [1024, { time: 1.7, memory: 3 }],
  [2048, { time: 2.6, memory: 6.1 }],
  [4096, { time: 3.4, memory: 14 }],
  [8192, { time: 5.5, memory: 28 }],
  [16384, { time: 8.6, memory: 56 }],
  [32768, { time: 13, memory: 56 }],
  [65536, { time: 20, memory: 60 }]
])
