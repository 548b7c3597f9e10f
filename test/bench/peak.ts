import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { LoopPlan } from 'ockham'
import { createEngine } from '../../plugins/services/engine/index.js'
import { onnxruntime } from '../../plugins/services/onnxruntime/index.js'
import { training as images, works } from './convolutional.js'
import { gptTraining } from './gpt.js'
import { feedsOf, initialCarry, training as mlp } from './mlp.js'
import { round } from './row.js'

const threads = 2
const calls = 3

/** What one work needed: estimated before it ran, and measured. */
export interface Peak {
  readonly estimatedMb: number
  readonly measuredMb: number
  /** Estimated over measured. */
  readonly peakShare: number
}

/** `VmHWM` and `VmRSS` of this process, bytes. */
export function memory(name: 'VmHWM' | 'VmRSS'): number {
  const line = readFileSync('/proc/self/status', 'utf8')
    .split('\n')
    .find((l) => l.startsWith(name))
  return Number(/\d+/.exec(line ?? '')?.[0] ?? NaN) * 1024
}

interface Ready {
  readonly plan: LoopPlan
  readonly steps: number
  advance(): Promise<unknown>
}

async function ready(work: string): Promise<Ready> {
  if (work === 'gpt') {
    const made = await gptTraining(createEngine(await onnxruntime({ threads })))
    return { ...made, steps: made.stepsPerCall }
  }
  if (work === 'mlp') {
    const { loop, advance } = await mlp(threads)
    const feeds = feedsOf(32)
    return { plan: await loop.prepare(initialCarry(), feeds[0]!), steps: feeds.length, advance: () => advance(feeds) }
  }
  const named = works[work as keyof typeof works]
  const { plan, advance } = await images(named, threads)
  return { plan, advance, steps: named.stepsPerCall }
}

/** In a process of its own: how far it grows from the compiled step, whose carry is loaded, through some calls of it. */
async function measured(work: string): Promise<Peak> {
  const { plan, steps, advance } = await ready(work)
  gc?.()
  const before = memory('VmRSS')
  // What a call returned and nobody reads is garbage, not need.
  for (let i = 0; i < calls; i++) {
    await advance()
    gc?.()
  }
  const [estimate, grown] = [plan.peakBytes + steps * plan.feedBytes, memory('VmHWM') - before]
  return { estimatedMb: round(estimate / 2 ** 20, 1), measuredMb: round(grown / 2 ** 20, 1), peakShare: round(estimate / grown) }
}

const self = fileURLToPath(import.meta.url)
const tsx = createRequire(import.meta.url).resolve('tsx')

/** The peak of a work, measured in a process of its own; nothing but a reason where the system does not tell. */
export async function peak(work: string): Promise<Peak | { readonly peakShare: null; readonly peakReason: string }> {
  if (process.platform !== 'linux') return { peakShare: null, peakReason: `no /proc on ${process.platform}` }
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--import', tsx, self, work])
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Peak
}

if (process.argv[1] === self) {
  console.log(JSON.stringify(await measured(process.argv[2]!)))
  process.exit(0)
}
