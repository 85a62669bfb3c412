/** Written by `node tools/measured.js`: what the page shows until the visitor has measured. */

/** @type {{ machine: string, date: string, points: import('../workers/complexity.js').Point[] }} */
export const STORED = {
  machine: 'Chrome 156, Intel Xeon Processor, 2 cores',
  date: '2026-11-28',
  points: [
    { n: 512, attention: 'linformer', milliseconds: 11.17, workspace: 772032 },
    { n: 512, attention: 'full', milliseconds: 18.27, workspace: 1009600 },
    { n: 1024, attention: 'linformer', milliseconds: 21.78, workspace: 1036224 },
    { n: 1024, attention: 'full', milliseconds: 51.52, workspace: 1798080 },
    { n: 2048, attention: 'linformer', milliseconds: 42.36, workspace: 1564608 },
    { n: 2048, attention: 'full', milliseconds: 169.7, workspace: 3375040 },
    { n: 4096, attention: 'linformer', milliseconds: 87.03, workspace: 2621376 },
    { n: 4096, attention: 'full', milliseconds: 638.4, workspace: 6528960 },
    { n: 8192, attention: 'linformer', milliseconds: 173.3, workspace: 4734912 },
    { n: 8192, attention: 'full', milliseconds: 2282, workspace: 12836800 },
    { n: 16384, attention: 'linformer', milliseconds: 349.5, workspace: 8961984 },
    { n: 16384, attention: 'full', milliseconds: 9727, workspace: 25452480 },
    { n: 32768, attention: 'linformer', milliseconds: 730.5, workspace: 17416128 },
    { n: 32768, attention: 'full', milliseconds: 38650, workspace: 50683840 }
  ]
}
