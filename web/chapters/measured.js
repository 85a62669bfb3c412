/** Written by `node tools/measured.js`: what the page shows until the visitor has measured. */

/** @type {{ machine: string, date: string, points: import('../workers/complexity.js').Point[] }} */
export const STORED = {
  machine: 'Chrome 156, Intel Xeon Processor, 2 cores',
  date: '2026-11-29',
  points: [
    { n: 512, attention: 'linformer', milliseconds: 8.985, workspace: 789056 },
    { n: 512, attention: 'full', milliseconds: 16.5, workspace: 1026624 },
    { n: 1024, attention: 'linformer', milliseconds: 22.74, workspace: 1053248 },
    { n: 1024, attention: 'full', milliseconds: 38.96, workspace: 1815104 },
    { n: 2048, attention: 'linformer', milliseconds: 32.65, workspace: 1581632 },
    { n: 2048, attention: 'full', milliseconds: 124.1, workspace: 3392064 },
    { n: 4096, attention: 'linformer', milliseconds: 66.38, workspace: 2638400 },
    { n: 4096, attention: 'full', milliseconds: 441.7, workspace: 6545984 },
    { n: 8192, attention: 'linformer', milliseconds: 131.3, workspace: 4751936 },
    { n: 8192, attention: 'full', milliseconds: 1667, workspace: 12853824 },
    { n: 16384, attention: 'linformer', milliseconds: 262.2, workspace: 8979008 },
    { n: 16384, attention: 'full', milliseconds: 6379, workspace: 25469504 },
    { n: 32768, attention: 'linformer', milliseconds: 522.2, workspace: 17433152 },
    { n: 32768, attention: 'full', milliseconds: 28150, workspace: 50700864 },
    { n: 65536, attention: 'linformer', milliseconds: 1067, workspace: 34341440 },
    { n: 65536, attention: 'full', milliseconds: 114200, workspace: 101163584 }
  ]
}
