import { describe, expect, it } from 'vitest'
import {
  hostKey,
  Interrupted,
  memoryStore,
  PlacedRun,
  type Carry,
  type Engine,
  type Fold,
  type Loop,
  type Place,
  type RunEvent,
  type Store,
  type Value,
  type Values,
} from 'ockham'

const number = (x: number): Value => ({ shape: [], dtype: 'float64', data: Float64Array.of(x) })

/** An engine whose loops add feed and key draws to the carry in plain TypeScript: what the driver is tested against. */
const counting = (stepsPerCall: number, calls: number[] = []): Engine => {
  const loop = (): Loop => {
    const held = (values: Values): Carry & { values: Values } => ({ values, read: () => Promise.resolve(values) })
    return {
      load: held,
      prepare: () => Promise.resolve({ stepsPerCall, nodes: 1, tensorsPerCall: 2, carryBytes: 8, feedBytes: 8, peakBytes: 24 }),
      advance(carry, start, feeds, keys) {
        calls.push(feeds.length)
        let { sum } = (carry as ReturnType<typeof held>).values as { sum: Value }
        const outs = feeds.map((feed, i) => {
          sum = number(sum.data[0]! * 0.5 + feed['x']!.data[0]! + keys[i]!.uniform([]).data[0]! + start + i)
          return { sum }
        })
        return Promise.resolve({ carry: held({ sum }), outs })
      },
      dispose: () => undefined,
    }
  }
  return { loop } as unknown as Engine
}

const placeOf = (o: { engine?: Engine; store?: Store; signal?: AbortSignal; heard?: RunEvent[] }): Place => ({
  key: hostKey(7),
  engine: o.engine ?? counting(8),
  signal: o.signal ?? new AbortController().signal,
  store: o.store ?? memoryStore(),
  path: [],
  timings: {},
  record: (event) => void o.heard?.push(event),
})

const sum = (o: Partial<Fold> = {}): Fold => ({
  carry: { sum: number(1) },
  steps: 37,
  feed: (step, key) => ({ x: number(step + key.fold(step).uniform([]).data[0]!) }),
  step: () => ({ carry: {} }),
  ...o,
})

const total = async (place: Place, fold: Fold): Promise<number> => (await new PlacedRun(place).fold('sum', fold))['sum']!.data[0]!

describe('fold', () => {
  it('gives the same result for any number of steps a call', async () => {
    const results = await Promise.all([1, 3, 8, 64].map((k) => total(placeOf({ engine: counting(k) }), sum())))
    expect(new Set(results).size).toBe(1)
  })

  it('never runs a call across a visit or a checkpoint', async () => {
    const calls: number[] = []
    const at: number[] = []
    await total(
      placeOf({ engine: counting(8, calls) }),
      sum({ visit: { every: 10, at: (done) => Promise.resolve(void at.push(done)) }, checkpoint: { steps: 10 } }),
    )
    expect(at).toEqual([10, 20, 30, 37])
    expect(calls).toEqual([1, 8, 1, 8, 2, 8, 2, 7])
  })

  it('resumes from any kill to the uninterrupted result, host state included', async () => {
    const seen: number[] = []
    const host = { save: () => ({ n: number(seen.length) }), load: (s: Values) => void (seen.length = s['n']!.data[0]!) }
    const whole = await total(placeOf({}), sum())
    for (const kill of [1, 9, 23, 36]) {
      seen.length = 0
      const store = memoryStore()
      const dying = sum({
        checkpoint: { steps: 5 },
        host,
        absorb: (step) => void (step === kill ? expect.unreachable('killed') : seen.push(step)),
      })
      await expect(total(placeOf({ store }), dying)).rejects.toThrow('killed')
      const heard: RunEvent[] = []
      const resumed = await total(
        placeOf({ store, heard }),
        sum({ checkpoint: { steps: 5 }, host, absorb: (step) => void seen.push(step) }),
      )
      expect(resumed).toBe(whole)
      expect(seen).toEqual(Array.from({ length: 37 }, (_, i) => i))
      if (kill >= 5) expect(heard).toContainEqual({ type: 'resumed', fold: 'sum', step: Math.floor(kill / 5) * 5 })
    }
  })

  it('closes with a checkpoint when interrupted, and a finished fold is not run again', async () => {
    const store = memoryStore()
    const stop = new AbortController()
    await expect(
      total(placeOf({ store, signal: stop.signal }), sum({ absorb: (step) => void (step === 11 && stop.abort()) })),
    ).rejects.toThrow(Interrupted)
    expect((await store.read('sum.fold'))?.meta).toEqual({ step: 17, done: false })
    const whole = await total(placeOf({ store }), sum())
    const calls: number[] = []
    expect(await total(placeOf({ store, engine: counting(8, calls) }), sum())).toBe(whole)
    expect(calls).toEqual([])
  })

  it('gives a finished fold its host state back', async () => {
    const store = memoryStore()
    const kept = { best: 0 }
    const host = { save: () => ({ best: number(kept.best) }), load: (s: Values) => void (kept.best = s['best']!.data[0]!) }
    await total(placeOf({ store }), sum({ host, absorb: (step) => void (kept.best = step) }))
    kept.best = -1
    await total(placeOf({ store }), sum({ host }))
    expect(kept.best).toBe(36)
  })

  it('ends where a visit says stop', async () => {
    const steps: number[] = []
    await total(
      placeOf({}),
      sum({
        absorb: (step) => void steps.push(step),
        visit: { every: 10, at: (done) => Promise.resolve(done === 20 ? 'stop' : undefined) },
      }),
    )
    expect(steps.length).toBe(20)
  })
})

describe('stage', () => {
  it('reads a finished stage back and gives each stage its own key', async () => {
    const store = memoryStore()
    let worked = 0
    const go = () =>
      new PlacedRun(placeOf({ store })).stage('a', (run) => {
        worked++
        return run.stage('b', (inner) => Promise.resolve({ draw: inner.key.uniform([]) }))
      })
    const [first, second] = [await go(), await go()]
    expect(worked).toBe(1)
    expect(second).toEqual(first)
    expect(first.draw).toEqual(hostKey(7).fold('a').fold('b').uniform([]))
  })
})
