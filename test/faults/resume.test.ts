import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ended, fileWith, folders, ockham, posteriorOf, start, temporary, until } from './command.js'

const moons = (steps: number) => `
seed: 3
dataset: { use: two-moons, n: 100 }
model: { use: mlp, hidden: [64, 64] }
objective: cross-entropy
prior: { use: fseb, context: { use: two-moons, split: grid }, points: context, contextSize: 16, covScale: 0.001, priorVar: 10 }
inference: { use: map, steps: ${steps}, batchSize: 32, schedule: cosine, checkpoint: { steps: 40 } }
evaluations: [calibration]
`

/** Adapters of a small decoder on lines of text: dropout, gradients of several batches, draws of their own. */
const adapters = (steps: number) => `
seed: 3
dataset: { use: text, file: ${fileWith(Array.from({ length: 200 }, (_, i) => `${i} and ${i * i}\n`).join(''), 'lines.txt')}, unit: lines, context: 12 }
model:
  use: lora
  of: { use: gpt, layers: 1, width: 16, heads: 2, context: 12, positions: rotary, norm: rms, activation: swiglu, dropout: 0.1 }
  targets: linear
objective: next-token
prior: flat
inference: { use: map, steps: ${steps}, batchSize: 8, accumulate: 2, schedule: cosine, clip: 1, checkpoint: { steps: 40 } }
evaluations: [perplexity]
`

/** Weights of few levels, and the message that says them. */
const levels = (steps: number) => `
seed: 3
dataset: { use: two-moons, n: 200 }
model: { use: subspace, of: { use: mlp, hidden: [16] }, dim: 16 }
objective: cross-entropy
inference: { use: quantised, levels: 3, epochs: 40, after: { use: map, steps: ${steps}, batchSize: 32, checkpoint: { steps: 40 } } }
evaluations: [calibration]
bounds: [compression]
`

const only = (out: string): string => folders(out)[0]!

/** Checkpointed steps so far, from the journal. */
const checkpointed = (out: string): number => {
  const folder = folders(out)[0]
  const journal = folder === undefined ? '' : join(folder, 'events.jsonl')
  if (!existsSync(journal)) return -1
  const steps = readFileSync(journal, 'utf8').matchAll(/"type":"checkpoint","fold":"[^"]*","step":(\d+)/g)
  return Math.max(-1, ...[...steps].map((m) => Number(m[1])))
}

describe.each([
  ['onnxruntime', 4000, 3, moons],
  ['interpreter', 600, 2, moons],
  ['onnxruntime', 1200, 1, adapters],
  ['onnxruntime', 2000, 1, levels],
] as const)('a run killed on %s', (engine, steps, kills, spec) => {
  it('ends with the bytes of an uninterrupted one after being resumed, killed several times', async () => {
    const file = fileWith(spec(steps))
    const whole = temporary()
    expect(ockham('run', file, '--out', whole, '--engine', engine).status).toBe(0)
    const out = temporary()
    let child = start('run', file, '--out', out, '--engine', engine)
    for (let kill = 0; kill < kills; kill++) {
      const last = Math.max(0, checkpointed(out))
      const target = last + Math.floor(Math.random() * (steps / (kills + 1)))
      await until(child, () => checkpointed(out) >= target)
      child.kill('SIGKILL')
      await ended(child)
      expect(existsSync(join(only(out), 'result.json'))).toBe(false)
      child = start('resume', only(out), '--engine', engine)
    }
    let said = ''
    child.stderr!.on('data', (data: Buffer) => (said += data.toString()))
    expect(await ended(child)).toBe(0)
    expect(said).toMatch(/resumes \w+ at step \d+/)
    expect(posteriorOf(only(out)).equals(posteriorOf(only(whole)))).toBe(true)
    const values = (folder: string) => (JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8')) as { values: object }).values
    expect(values(only(out))).toEqual(values(only(whole)))
    const files = spec === adapters ? ['adapter_model.safetensors', 'adapter_config.json'] : spec === levels ? ['message.bin'] : []
    for (const name of files) expect(readFileSync(join(only(out), name)).equals(readFileSync(join(only(whole), name)))).toBe(true)
  }, 240_000)
})

describe('resume', () => {
  it('takes the engine that the run was started on, and refuses another', () => {
    const out = temporary()
    expect(ockham('run', fileWith(moons(30)), '--out', out, '--engine', 'interpreter').status).toBe(0)
    rmSync(join(only(out), 'result.json'))
    const { status, stderr } = ockham('resume', only(out), '--engine', 'onnxruntime')
    expect([status, stderr]).toEqual([2, expect.stringContaining('OCK-RUN-015')])
    expect(ockham('resume', only(out)).status).toBe(0)
    const { engine } = JSON.parse(readFileSync(join(only(out), 'result.json'), 'utf8')) as { engine: { name: string } }
    expect(engine.name).toBe('interpreter')
  }, 60_000)
})

describe('an interrupted run', () => {
  it('closes with a checkpoint, exits 130 and goes on', async () => {
    const file = fileWith(moons(8000))
    const out = temporary()
    const child = start('run', file, '--out', out)
    await until(child, () => checkpointed(out) >= 40)
    child.kill('SIGINT')
    expect(await ended(child)).toBe(130)
    const { status, stderr } = ockham('resume', only(out))
    expect(stderr).toMatch(/resumes \w+ at step/)
    expect(status).toBe(0)
  }, 120_000)
})

describe('a finished run', () => {
  it('is read back by resume, and its journal survives a torn line', () => {
    const out = temporary()
    expect(ockham('run', fileWith(moons(50)), '--out', out).status).toBe(0)
    const journal = join(only(out), 'events.jsonl')
    writeFileSync(journal, `${readFileSync(journal, 'utf8')}{"type":"ste`)
    const { status, stdout } = ockham('resume', only(out), '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toEqual(JSON.parse(readFileSync(join(only(out), 'result.json'), 'utf8')))
  }, 60_000)
})
