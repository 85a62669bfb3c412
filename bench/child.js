/**
 * One variant in a process of its own: a crash or a memory that runs out ends this process and no other.
 */
import { readFile } from 'node:fs/promises'
import { load } from '../wasm/node.js'
import { servant } from './engines.js'
import { peer } from './install.js'

const { threadCpuUsage } = /** @type {any} */ (process) // Node.js 24
const cpuMs = threadCpuUsage && (() => {
  const { user, system } = threadCpuUsage.call(process)
  return (user + system) / 1000
})
const serve = servant({ load, read: readFile, ort: () => peer('onnxruntime-web'), cpuMs })

process.on('message', async (/** @type {any} */ order) => {
  const answer = await serve(order)
  process.send?.({ ...answer, peakRss: process.resourceUsage().maxRSS * 1024 })
})

// A host that was stopped leaves nothing running.
process.on('disconnect', () => process.exit())
