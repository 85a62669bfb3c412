/** Written by `node tools/measured.js`: what the page shows until the visitor has measured. */

/** @type {{ machine: string, date: string, points: import('../workers/complexity.js').Point[] }} */
export const STORED = {
  machine: 'Chrome 156, Intel Xeon Processor, 2 cores',
  date: '2026-11-29',
  points: [
    { n: 512, attention: 'linformer', milliseconds: 12.31, workspace: 772032 },
    { n: 512, attention: 'full', milliseconds: 18.73, workspace: 1009600 },
    { n: 1024, attention: 'linformer', milliseconds: 22.51, workspace: 1036224 },
    { n: 1024, attention: 'full', milliseconds: 54.23, workspace: 1798080 },
    { n: 2048, attention: 'linformer', milliseconds: 44.45, workspace: 1564608 },
    { n: 2048, attention: 'full', milliseconds: 175, workspace: 3375040 },
    { n: 4096, attention: 'linformer', milliseconds: 95.15, workspace: 2621376 },
    { n: 4096, attention: 'full', milliseconds: 654.5, workspace: 6528960 },
    { n: 8192, attention: 'linformer', milliseconds: 180.2, workspace: 4734912 },
    { n: 8192, attention: 'full', milliseconds: 2464, workspace: 12836800 },
    { n: 16384, attention: 'linformer', milliseconds: 410.2, workspace: 8961984 },
    { n: 16384, attention: 'full', milliseconds: 9888, workspace: 25452480 },
    { n: 32768, attention: 'linformer', milliseconds: 764.6, workspace: 17416128 },
    { n: 32768, attention: 'full', milliseconds: 40940, workspace: 50683840 },
    { n: 65536, attention: 'linformer', milliseconds: 1595, workspace: 34324416 },
    { n: 65536, attention: 'full', milliseconds: 165900, workspace: 101146560 }
  ]
}
