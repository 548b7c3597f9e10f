import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { hostKey, type DatasetMeta } from 'ockham'
import gp, { evidence, type Kernel, type TargetObjective } from '../../plugins/parts/gp/index.js'
import { matrix } from '../../plugins/parts/linalg/index.js'
import { createEngine } from '../../plugins/services/engine/index.js'
import { onnxruntime } from '../../plugins/services/onnxruntime/index.js'
import { componentOf } from '../suites/index.js'
import { median, round, smallest, timed, type Result, type Row } from './row.js'

const root = resolve(import.meta.dirname, '../..')
const script = join(process.env['PEERS_DIR'] ?? join(root, '../shared/peers'), 'gpytorch_evidence.py')
const python = process.env['PEERS_PYTHON'] ?? 'python3'
const d = 12
const threads = 2
const seconds = 3

/** The peer's milliseconds for n rows, or why there are none. */
async function peer(n: number): Promise<{ ms: number; minMs: number } | { reason: string }> {
  if (!existsSync(script)) return { reason: `${script} is not there; set PEERS_DIR` }
  try {
    const { stdout } = await promisify(execFile)(python, ['-W', 'ignore', script, '--n', String(n), '--seconds', String(seconds)])
    const found = JSON.parse(stdout.trim().split('\n').at(-1)!) as { ms: number; min_ms: number }
    return { ms: found.ms, minMs: found.min_ms }
  } catch (error) {
    const said = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)
    return { reason: `${python} failed (${said}); set PEERS_PYTHON to a Python with GPyTorch` }
  }
}

/** One evidence with its whole gradient: two classes, the factor-analysis kernel of rank two. */
async function step(n: number, threads: number): Promise<{ run(): Promise<unknown>; close(): Promise<void> }> {
  const engine = createEngine(await onnxruntime({ threads }))
  const key = hostKey(0)
  const x = matrix([n, d], key.fold('x').normal([n, d]).data)
  const w = key.fold('w').normal([d]).data
  const y = Int32Array.from({ length: n }, (_, i) => (Array.from(w).reduce((s, v, j) => s + v * x.data[i * d + j]!, 0) > 0 ? 1 : 0))
  const kernel: Kernel = await componentOf(gp, 'kernel', 'factor-analysis')
  const process = await componentOf(gp, 'process', 'gp', { kernel })
  const objective = (await componentOf(gp, 'objective', 'dirichlet')) as TargetObjective
  const meta = { classes: ['no', 'yes'], shapes: { x: { shape: [d], dtype: 'float32' } } } as unknown as DatasetMeta
  const hyper = await process.init(key, meta)
  const observed = objective.targets({ shape: [n], dtype: 'int32', data: y }, 2)
  return { run: () => evidence(engine, process, hyper, Float64Array.of(0.1, 0.1), x, observed), close: () => engine.dispose() }
}

/** Ours and the peer in turn, twice, since the load of a shared machine changes. */
const rowOf = (n: number): Row => ({
  about: `evidence and gradient of a Dirichlet Gaussian process, n = ${n}, 12 features, two classes, float64, ${threads} threads; peer: GPyTorch`,
  async run(): Promise<Result> {
    const { run, close } = await step(n, threads)
    const ours: number[] = []
    const theirs: Awaited<ReturnType<typeof peer>>[] = []
    for (let turn = 0; turn < 2; turn++) {
      ours.push(...(await timed(run, seconds)))
      theirs.push(await peer(n))
    }
    await close()
    const work = { work: `gp-${n}`, ms: round(median(ours)), minMs: round(smallest(ours)) }
    const failed = theirs.find((p) => 'reason' in p)
    if (failed) return { ...work, peerMs: null, ratio: null, reason: failed.reason }
    const measured = theirs as { ms: number; minMs: number }[]
    const peerMs = smallest(measured.map((p) => p.ms))
    const peerMinMs = smallest(measured.map((p) => p.minMs))
    return { ...work, peerMs, peerMinMs, ratio: round(median(ours) / peerMs), minRatio: round(smallest(ours) / peerMinMs) }
  },
})

export const gpRows = { 'gp-879': rowOf(879), 'gp-2000': rowOf(2000) } as const
