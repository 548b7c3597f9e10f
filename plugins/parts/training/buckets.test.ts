import { hostKey, type Model, type Problem, type Values } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { describe, expect, it } from 'vitest'
import { alike, bucketing, bucketLengths, bucketOf, padTo } from './buckets.js'
import { createEngine, interpreter } from '../../services/engine/index.js'
import { spied } from '../../services/engine/testing.js'
import { gaussian } from '../objectives/index.js'
import { flat } from '../priors/index.js'
import { batches } from './batches.js'
import { descend } from './descend.js'
import { sgd } from './sgd.js'
import { engines, inMemory, testRun } from './testing.js'
import { value } from './trees.js'

it('buckets rise by their growth to the longest', () => {
  expect(bucketLengths({ least: 16, most: 128 })).toEqual([16, 32, 64, 128])
  expect(bucketLengths({ least: 10, most: 25, growth: 1.5 })).toEqual([10, 15, 23, 25])
  expect(bucketOf(33, { least: 16, most: 128 })).toBe(64)
  expect(() => bucketOf(129, { least: 16, most: 128 })).toThrow(/OCK-TRAIN-020/)
})

it('pads the end of any axis', () => {
  expect(Array.from(padTo(value([1, 2, 3, 4], [2, 2]), 1, 3, 9).data)).toEqual([1, 2, 9, 3, 4, 9])
  expect(padTo(value([1, 2, 3, 4], [2, 2], 'int32'), 0, 3)).toEqual(value([1, 2, 3, 4, 0, 0], [3, 2], 'int32'))
})

describe.each(Object.entries(engines))('on %s', (_, start) => {
  it('two hundred lengths compile no more than there are buckets', async () => {
    const engine = await start()
    const buckets = { least: 8, most: 200 }
    const program = engine.compile((x: Tensor) => x.square().sum())
    const lengths = hostKey(3).integers([200], 200).data
    for (const n of lengths) {
      const x = value(new Float32Array(n + 1).fill(1))
      expect((await program(padTo(x, 0, bucketOf(n + 1, buckets)))).data[0]).toBe(n + 1)
    }
    expect(program.compiled).toBeLessThanOrEqual(bucketLengths(buckets).length)
    await engine.dispose()
  })
})

describe('learning in buckets', () => {
  const [count, full] = [61, 40]
  const lengths = hostKey(5)
    .integers([count], full)
    .data.map((n) => n + 1)
  /** Sequences of ones: what a model sums up is how long they are. */
  const fields: Values = {
    x: value(
      Array.from({ length: count * full }, (_, i) => (i % full < lengths[Math.floor(i / full)]! ? 1 : 0)),
      [count, full, 1],
    ),
    y: value(
      Array.from(lengths, (n) => 2 * n),
      [count, 1],
    ),
    length: value(lengths, [count], 'int32'),
  }
  const dataset = inMemory({ train: fields })
  const model: Model = {
    init: () => ({ params: { w: value([0.5]) }, frozen: {}, state: {} }),
    apply: (vars, x) => (x as Tensor).sum(1).mul(vars.params['w']!),
  }
  const problem: Problem = { model, dataset, objective: gaussian({ noise: 20 }), prior: flat(), examples: count }
  const buckets = { least: 8 }

  it('sees every example once an epoch, in batches as long as they need to be', async () => {
    const made = await bucketing(dataset, 'train', buckets)
    const read = batches(dataset, 'train', { size: 8, sampler: alike(made), bucketing: made })
    const seen: number[] = []
    const widths = new Set<number>()
    for (let step = 0; step < 8; step++) {
      const batch = await read(step, hostKey(2))
      const rows = Array.from(batch['index']!.data).filter((_, i) => batch['weight']!.data[i]! > 0)
      seen.push(...rows)
      const width = batch['x']!.shape[1]!
      expect(width).toBe(bucketOf(Math.max(...rows.map((r) => lengths[r]!)), made.buckets))
      expect(Array.from(batch['x']!.data).reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(rows.reduce((s, r) => s + lengths[r]!, 0))
      widths.add(width)
    }
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
    expect(widths.size).toBeGreaterThan(2)
    expect(await read(9, hostKey(2))).not.toEqual(await read(1, hostKey(2)))
  })

  it('compiles one program a bucket, not one a batch, and learns as without', async () => {
    const executor = spied(await interpreter({ wasm: false }))
    const engine = createEngine(executor)
    const options = { optimizer: sgd({ learningRate: 0.2, momentum: 0, nesterov: false }), steps: 80, size: 8 }
    const { vars } = await descend(problem, testRun(engine).run, { ...options, buckets })
    expect(executor.graphs.length).toBeLessThanOrEqual(bucketLengths({ least: 8, most: full }).length)
    expect(executor.graphs.length).toBeGreaterThan(1)
    expect(vars.params['w']!.data[0]).toBeCloseTo(2, 3)
    await engine.dispose()
  })

  it('says that a dataset has no lengths', async () => {
    const { x, y } = fields
    await expect(bucketing(inMemory({ train: { x: x!, y: y! } }), 'train', buckets)).rejects.toThrow(/OCK-TRAIN-022.*length/)
  })
})
