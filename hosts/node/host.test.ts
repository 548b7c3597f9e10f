import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InputError, Prior, Recorded, Tracker } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createHost, use, type Host } from './index.js'
import { readYaml } from './yaml.js'

const out = mkdtempSync(join(tmpdir(), 'host-'))
const heard: Recorded[] = []
let flushed = 0
const listener: Tracker = {
  attach({ events }) {
    events.subscribe((event) => void heard.push(event))
    return { flush: () => Promise.resolve(void flushed++) }
  },
}

const base = {
  dataset: use('two-moons', { n: 100 }),
  model: use('mlp', { hidden: [16] }),
  objective: use('cross-entropy'),
  inference: use('map', { steps: 60, batchSize: 50, optimizer: use('adam', { learningRate: 0.02 }) }),
  evaluations: [use('calibration')],
}

let host: Host
beforeAll(async () => {
  host = await createHost({ out, engine: 'interpreter', trackers: [listener] })
})
afterAll(() => host.dispose())

describe('a study', () => {
  it('runs variants and seeds as children and compares them in one table', async () => {
    const study = await host.compose({
      ...base,
      name: 'study',
      seeds: [0, 1],
      variants: {
        normal: { prior: use('normal', { scale: 1 }) },
        mine: { prior: { energy: ({ net }) => tf.sum(net.vars.params['head.kernel']!.abs()) } },
      },
    })
    const { runs, table, folder, result } = await study.start()
    expect(Object.keys(runs)).toEqual(['normal-seed-0', 'normal-seed-1', 'mine-seed-0', 'mine-seed-1'])
    expect(table.map((row) => [row['variant'], row['seeds']])).toEqual([
      ['normal', 2],
      ['mine', 2],
    ])
    const accuracies = ['mine-seed-0', 'mine-seed-1'].map((n) => runs[n]!.result.values['test/accuracy']!)
    expect(table[1]!['test/accuracy']).toBeCloseTo((accuracies[0]! + accuracies[1]!) / 2, 12)
    expect(Object.keys(result.variants!)).toEqual(Object.keys(runs))
    // What was given as an object is recorded by the digest of its source.
    const { prior } = readYaml(join(folder!, 'children', 'mine-seed-0', 'spec.yaml')) as { prior: { inline: string; digest: string } }
    expect(prior.inline).toBe('prior')
    expect(prior.digest).toMatch(/^[0-9a-f]{64}$/)
    expect(readFileSync(join(folder!, 'report.html'), 'utf8')).toContain('<svg')
    expect(flushed).toBeGreaterThanOrEqual(4)
    // The four children, and their parent.
    expect(heard.filter((e) => e.type === 'run.finished').length).toBe(5)
  })
})

describe('initial', () => {
  it('is a run, its folder, its file of weights or a posterior; given trains nothing', async () => {
    const first = await host.run(base)
    const starts = [first, first.folder!, first.id, join(first.folder!, 'posterior.safetensors'), first.posterior!]
    for (const initial of starts) {
      const { result } = await host.run({ ...base, initial, inference: use('given') })
      expect(result.values).toEqual(first.result.values)
    }
  })

  it('is an earlier stage, run first in a folder of its own', async () => {
    const { folder, result } = await host.run({
      ...base,
      inference: use('given'),
      initial: { stage: { inference: use('map', { steps: 20, batchSize: 50 }) } },
    })
    const earlier = JSON.parse(readFileSync(join(folder!, 'children', 'initial', 'result.json'), 'utf8')) as typeof result
    expect(result.values).toEqual(earlier.values)
  })

  it('is refused where the weights do not fit, or are not there', async () => {
    const { folder } = await host.run({ ...base, inference: use('map', { steps: 2 }) })
    await expect(host.run({ ...base, model: use('mlp', { hidden: [3] }), initial: folder! })).rejects.toMatchObject({ name: 'InputError' })
    await expect(host.run({ ...base, initial: 'nowhere.safetensors' })).rejects.toThrow('OCK-SPEC-033')
    const found = await host.run({ ...base, initial: { stage: { inference: { use: 'mup' } } } }).catch((e: unknown) => e)
    expect((found as InputError).problems[0]!.where).toBe('initial.stage.inference')
  })
})

describe('load', () => {
  it('serves what a run learnt, without its data', async () => {
    const { folder, posterior } = await host.run(base)
    const loaded = await host.load(folder!)
    const x = { x: { shape: [3, 2], dtype: 'float32' as const, data: Float32Array.of(0, 0, 1, 1, -2, 3) } }
    expect(await loaded.predict(x)).toEqual(await posterior!.predict(x))
    expect(loaded.meta.classes?.length).toBe(2)
    const wide = { shape: [2, 3], dtype: 'float32' as const, data: new Float32Array(6) }
    await expect(loaded.predict({ x: wide })).rejects.toThrow(/OCK-RUN-016.*x is \[2, 3\].*give rows of x, float32 \[n, 2\]/)
    await expect(loaded.predict({ z: wide })).rejects.toThrow(/OCK-RUN-016.*no x among/)
  })
})

describe('resume in code', () => {
  it('goes on with a spec that has objects in it', async () => {
    const spec = {
      ...base,
      inference: use('map', { steps: 400, batchSize: 50, checkpoint: { steps: 50 } }),
      prior: { energy: () => tf.scalar(0) },
    }
    const whole = await host.run(spec)
    const stop = new AbortController()
    const failed = host.run(spec, {
      signal: stop.signal,
      listen: (events) => void events.subscribe((e) => e.type === 'step' && e.step > 100 && stop.abort()),
    })
    await expect(failed).rejects.toMatchObject({ name: 'Interrupted' })
    const { folder } = (await import('./folder.js')).listRuns(out).find((r) => r.state === 'unfinished' && r.folder !== whole.folder)!
    await expect(host.resume(folder)).rejects.toThrow('OCK-RUN-014')
    const resumed = await host.run(spec, { resume: folder })
    expect(resumed.posterior!.save()).toEqual(whole.posterior!.save())
  })
})

describe('plan', () => {
  it('says parameters, steps and sizes, and leaves no run behind', async () => {
    const before = (await import('./folder.js')).listRuns(out).length
    const plan = (await host.plan(base))['']!
    expect(plan.parameters).toBe(2 * 16 + 16 + 16 * 2 + 2)
    expect(plan.fold?.steps).toBe(60)
    expect(plan.fold!.tensorsPerCall).toBeGreaterThan(0)
    expect((await import('./folder.js')).listRuns(out).length).toBe(before)
  })

  it('compiles once for runs that differ in their seed alone, and for each object', async () => {
    const compiled = vi.spyOn(host.engine, 'loop')
    const plans = await host.plan({ ...base, seeds: [0, 1, 2], variants: { narrow: { model: use('mlp', { hidden: [4] }) }, wide: {} } })
    expect(compiled).toHaveBeenCalledTimes(2)
    expect(Object.values(plans).map((p) => p.parameters)).toEqual([22, 22, 22, 82, 82, 82])
    compiled.mockRestore()
    const mine = (scale: number): Prior => ({
      energy: ({ net }) => (scale ? net.vars.params['head.kernel']!.abs().sum<Scalar>().mul(scale) : tf.scalar(0)),
    })
    const own = await host.plan({ ...base, variants: { none: { prior: mine(0) }, some: { prior: mine(2) } } })
    expect(own['some']!.fold!.nodes).toBeGreaterThan(own['none']!.fold!.nodes)
  })

  it('does not do what a sampler does in stages', async () => {
    const inference = use('nuts', { warmup: 1000, draws: 1_000_000 })
    const plan = (await host.plan({ ...base, inference }))['']!
    expect([plan.parameters, plan.fold]).toEqual([2 * 16 + 16 + 16 * 2 + 2, undefined])
  })
})
