/* What training does on the host, without an engine. */
import { hostKey, type Prediction } from 'ockham'
import { describe, expect, it } from 'vitest'
import { average } from './average.js'
import { batches } from './batches.js'
import { concatRows, rowsOf } from './rows.js'
import { sequential, shuffled } from './samplers.js'
import { rate } from './schedule.js'
import { inMemory } from './testing.js'
import { flatten, floats, prefix, split, under, unflatten, value } from './trees.js'
import { Watch } from './watch.js'

const dataset = inMemory({ train: { x: value([0, 1, 2, 3, 4, 5, 6], [7, 1]), y: value([0, 10, 20, 30, 40, 50, 60], [7, 1]) } })
const key = hostKey(3)

describe('samplers', () => {
  const epoch = (first: number) => [0, 1, 2].flatMap((i) => Array.from(shuffled().rows(dataset.meta, 'train', first + i, 3, key).data))

  it('shuffled sees every example once an epoch and pads the last batch', () => {
    expect(epoch(0).sort((a, b) => a - b)).toEqual([-1, -1, 0, 1, 2, 3, 4, 5, 6])
    expect(epoch(3)).not.toEqual(epoch(0))
  })

  it('shuffled depends on key and step alone, not on what was asked before', () => {
    const used = shuffled()
    for (const step of [5, 0, 11]) used.rows(dataset.meta, 'train', step, 3, key)
    expect(used.rows(dataset.meta, 'train', 4, 3, key)).toEqual(shuffled().rows(dataset.meta, 'train', 4, 3, key))
    expect(used.rows(dataset.meta, 'train', 4, 3, hostKey(4))).not.toEqual(used.rows(dataset.meta, 'train', 4, 3, key))
  })

  it('sequential goes through the rows in order, again and again', () => {
    const rows = (step: number) => Array.from(sequential.rows(dataset.meta, 'train', step, 3, key).data)
    expect([rows(0), rows(2), rows(3)]).toEqual([
      [0, 1, 2],
      [6, -1, -1],
      [0, 1, 2],
    ])
  })
})

describe('batches', () => {
  it('give padding weight 0 and keep shapes', async () => {
    const feed = await batches(dataset, 'train', { size: 3 })(2, key)
    expect(feed['x']!.shape).toEqual([3, 1])
    expect(Array.from(feed['weight']!.data)).toEqual([1, 0, 0])
    expect(feed['y']!.data[0]).toBe(60)
    expect(feed['index']!.data[0]).toBe(6)
  })

  it('fill up with rows from the start where padding is not wanted', async () => {
    const feed = await batches(dataset, 'train', { size: 3, pad: false })(2, key)
    expect(Array.from(feed['weight']!.data)).toEqual([1, 1, 1])
    expect(feed['x']!.data[0]).toBe(6)
  })

  it('augment only where a sampler draws', async () => {
    const keys: boolean[] = []
    const watched = {
      ...dataset,
      read: (...all: Parameters<typeof dataset.read>) => (keys.push(all[2] !== undefined), dataset.read(...all)),
    }
    await batches(watched, 'train', { size: 3 })(0, key)
    await batches(watched, 'train', { size: 3, sampler: shuffled() })(0, key)
    expect(keys).toEqual([false, true])
  })
})

describe('schedules', () => {
  const cosine = { kind: 'cosine', warmup: 4, floor: 0.1 } as const

  it('rise over the warm-up, then fall along half a cosine to the floor', () => {
    expect([0, 1, 2, 3].map((s) => rate(cosine, s, 104))).toEqual([0.25, 0.5, 0.75, 1])
    expect(rate(cosine, 4, 104)).toBe(1)
    expect(rate(cosine, 54, 104)).toBeCloseTo(0.55, 12)
    expect(rate(cosine, 104, 104)).toBeCloseTo(0.1, 12)
  })

  it('stay at 1 where they are constant', () => {
    expect(rate({ kind: 'constant', warmup: 0, floor: 0 }, 7, 10)).toBe(1)
  })
})

describe('averages of predictions', () => {
  it('average probabilities and keep the members', () => {
    const p = average([
      { kind: 'categorical', probabilities: value([1, 0], [1, 2]) },
      { kind: 'categorical', probabilities: value([0.5, 0.5], [1, 2]) },
    ]) as Extract<Prediction, { kind: 'categorical' }>
    expect(Array.from(p.probabilities.data)).toEqual([0.75, 0.25])
    expect(p.members!.shape).toEqual([2, 1, 2])
    expect(Array.from(p.members!.data)).toEqual([1, 0, 0.5, 0.5])
  })

  it('add the spread of the means to the variance of normals', () => {
    const one = (m: number, v: number): Prediction => ({
      kind: 'normal',
      mean: value([m], [1, 1]),
      variance: value([v], [1, 1]),
      noise: value([v], [1, 1]),
    })
    const p = average([one(1, 0.5), one(3, 1)]) as Extract<Prediction, { kind: 'normal' }>
    expect([p.mean.data[0], p.variance.data[0], p.noise!.data[0]]).toEqual([2, 1.75, 0.75])
  })
})

describe('rows', () => {
  it('cut with zero padding and join', () => {
    const v = value([1, 2, 3, 4, 5, 6], [3, 2])
    expect(Array.from(rowsOf(v, 2, 2).data)).toEqual([5, 6, 0, 0])
    expect(concatRows([rowsOf(v, 0, 2), rowsOf(v, 2, 1)])).toEqual(v)
  })
})

describe('trees', () => {
  it('f of every number rounds as Float32Array.from does, without its heap', () => {
    const f = (x: number, i: number): number => x / 3 + i
    expect(floats(Float64Array.of(1, 2, 1e300), f)).toEqual(Float32Array.from([1, 2, 1e300], f))
    const before = process.memoryUsage().heapUsed
    floats(new Float32Array(2 ** 21), (_, i) => i + 0.5)
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 24)
  })

  const vars = { params: { 'a.w': 1, 'b.w': 2 }, frozen: { c: 3 }, state: { d: 4 } }

  it('prefix and under undo each other, as flatten and unflatten do', () => {
    expect(under('p.', { ...prefix('p.', vars.params), other: 9 })).toEqual(vars.params)
    expect(unflatten(flatten(vars))).toEqual(vars)
  })

  it('split freezes what is not learnt', () => {
    expect(split(vars, (name) => name.startsWith('a'))).toEqual({ params: { 'a.w': 1 }, frozen: { 'b.w': 2, c: 3 }, state: { d: 4 } })
  })
})

describe('the watch of a descent', () => {
  it('keeps the best weights and stops after the patience, also across a checkpoint', () => {
    const w = (x: number) => ({ 'params.w': value([x]) })
    const first = new Watch({ patience: 2 })
    expect(first.check(1, w(1))).toBeUndefined()
    expect(first.check(0.5, w(2))).toBeUndefined()
    expect(first.check(0.7, w(3))).toBeUndefined()
    const second = new Watch({ patience: 2 })
    second.load(first.save())
    expect(second.best).toEqual(w(2))
    expect(second.check(Number.NaN, w(4))).toBe('stop')
    expect(second.best).toEqual(w(2))
  })
})
