import type { Advance, Engine, HostKey, Value, Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adamStep, feedsOf, initialCarry } from '../../../test/bench/mlp.js'
import { createEngine, inverseSpd } from '../engine/index.js'
import { tf } from '../engine/tensor.js'
import { onnxruntime } from './index.js'

let engine: Engine
beforeAll(async () => {
  engine = createEngine(await onnxruntime({ threads: 2 }))
})
afterAll(() => engine.dispose())

const float = (shape: readonly number[], data: readonly number[]): Value => ({ shape, dtype: 'float32', data: Float32Array.from(data) })
const bits = (values: Values): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).map(([n, v]) => [n, Buffer.from(v.data.buffer, v.data.byteOffset, v.data.byteLength).toString('hex')]),
  )

/** Runs a step over feeds in calls of the given sizes. */
async function run(step: Advance, carry: Values, feeds: readonly Values[], sizes: readonly number[], warn?: (m: string) => void) {
  const loop = engine.loop(step, warn ? { warn } : {})
  let [state, at] = [loop.load(carry), 0]
  const outs: Values[] = []
  for (const size of sizes) {
    const call = await loop.advance(state, at, feeds.slice(at, at + size), [] as HostKey[])
    outs.push(...call.outs)
    state = call.carry
    at += size
  }
  const read = await state.read()
  loop.dispose()
  return { carry: read, outs }
}

describe('k steps in one call', () => {
  const feeds = feedsOf(32)
  const ones = Array<number>(32).fill(1)

  it.each([[[32]], [[5, 27]], [[16, 16]], [[1, 30, 1]]])('give the bits of k calls, split %j', async (sizes) => {
    const single = await run(adamStep, initialCarry(), feeds, ones)
    const whole = await run(adamStep, initialCarry(), feeds, sizes)
    expect(bits(whole.carry)).toEqual(bits(single.carry))
    expect(whole.outs.map(bits)).toEqual(single.outs.map(bits))
    expect(whole.outs[31]!['loss']!.data[0]).not.toBe(whole.outs[0]!['loss']!.data[0])
  })

  it('learn what the interpreter of the engine learns', async () => {
    const { interpreter } = await import('../engine/index.js')
    const other = createEngine(await interpreter())
    const loop = other.loop(adamStep)
    const { outs } = await loop.advance(loop.load(initialCarry()), 0, feeds.slice(0, 4), [])
    const ours = await run(adamStep, initialCarry(), feeds, [4])
    outs.forEach((out, i) => expect(ours.outs[i]!['loss']!.data[0]).toBeCloseTo(out['loss']!.data[0]!, 4))
    await other.dispose()
  })

  it('hand on a carry that no step changes', async () => {
    const { carry } = await run(adamStep, initialCarry(), feeds, [32])
    expect(carry['still']).toEqual(initialCarry()['still'])
  })

  it('take int32 and bool feeds, and carry them', async () => {
    const step: Advance = ({ count, seen }, { add, flag }) => ({
      carry: { count: count!.add(add!), seen: tf.logicalOr(seen!, flag!) },
      out: { twice: count!.mul(tf.scalar(2, 'int32')), seen: seen! },
    })
    const carry: Values = {
      count: { shape: [2], dtype: 'int32', data: Int32Array.of(1, 2) },
      seen: { shape: [], dtype: 'bool', data: Uint8Array.of(0) },
    }
    const feeds = [0, 1, 0].map((flag, i): Values => ({
      add: { shape: [2], dtype: 'int32', data: Int32Array.of(i, 10) },
      flag: { shape: [], dtype: 'bool', data: Uint8Array.of(flag) },
    }))
    const { carry: after, outs } = await run(step, carry, feeds, [3])
    expect(after['count']!.data).toEqual(Int32Array.of(4, 32))
    expect(after['seen']!.data).toEqual(Uint8Array.of(1))
    expect(outs.map((o) => [...o['twice']!.data])).toEqual([
      [2, 4],
      [2, 24],
      [4, 44],
    ])
    expect(outs.map((o) => o['seen']!.data[0])).toEqual([0, 0, 1])
  })

  it('count steps from the start they are given, swap carries, and give values that a step only passes on', async () => {
    const step: Advance = ({ a, b }, { x }, { step }) => ({
      carry: { a: b!, b: a! },
      out: { step, x: x!, one: tf.scalar(1).add(tf.zerosLike(step)) },
    })
    const loop = engine.loop(step)
    const feeds = [1, 2, 3].map((v): Values => ({ x: float([1], [v]) }))
    const { carry, outs } = await loop.advance(loop.load({ a: float([1], [7]), b: float([1], [8]) }), 5, feeds, [])
    expect(outs.map((o) => o['step']!.data[0])).toEqual([5, 6, 7])
    expect(outs.map((o) => o['x']!.data[0])).toEqual([1, 2, 3])
    expect(outs.map((o) => o['one']!.data[0])).toEqual([1, 1, 1])
    expect((await carry.read())['a']!.data[0]).toBe(8)
    loop.dispose()
  })

  it('run in float64', async () => {
    const step: Advance = ({ a }) => ({ carry: { a: a!.mul(1.1) }, out: { a: a! } })
    const loop = engine.loop(step, { precision: 'float64' })
    const { carry } = await loop.advance(loop.load({ a: { shape: [], dtype: 'float64', data: Float64Array.of(1) } }), 0, [{}, {}, {}], [])
    const a = (await carry.read())['a']!
    expect(a.dtype).toBe('float64')
    expect(a.data[0]).toBeCloseTo(1.331, 6)
    loop.dispose()
  })

  it('leave what they were given as it was', async () => {
    const given = initialCarry()
    const before = bits(given)
    const loop = engine.loop(adamStep)
    const start = loop.load(given)
    const first = await loop.advance(start, 0, feeds.slice(0, 2), [])
    const again = await loop.advance(start, 0, feeds.slice(0, 2), [])
    expect(bits(await again.carry.read())).toEqual(bits(await first.carry.read()))
    expect(bits(given)).toEqual(before)
    loop.dispose()
  })
})

describe('host calls', () => {
  const step: Advance = ({ a }, { x }, { engine }) => {
    const [square] = engine.host((v) => [{ ...v, data: v.data.map((e) => e * e) }], [a!.add(x!)], [[2]])
    return { carry: { a: square!.mul(0.5) }, out: { square: square! } }
  }

  it('cut the graph, and the loop makes one call a step', async () => {
    const feeds = [1, 2].map((v): Values => ({ x: float([2], [v, 0]) }))
    const loop = engine.loop(step)
    expect((await loop.prepare({ a: float([2], [1, 2]) }, feeds[0]!)).stepsPerCall).toBe(1)
    const { carry, outs } = await run(step, { a: float([2], [1, 2]) }, feeds, [2])
    expect(outs.map((o) => [...o['square']!.data])).toEqual([
      [4, 4],
      [16, 4],
    ])
    expect([...(await Promise.resolve(carry))['a']!.data]).toEqual([8, 2])
    loop.dispose()
  })

  it('must return what they promised', async () => {
    const wrong: Advance = ({ a }, _, { engine }) => ({ carry: { a: engine.host(() => [], [a!], [[2]])[0]! } })
    await expect(run(wrong, { a: float([2], [1, 2]) }, [{}], [1])).rejects.toMatchObject({ code: 'OCK-ORT-004' })
  })
})

describe('inverses inside the loop', () => {
  const step: Advance = ({ a }, { x }, { engine }) => ({ carry: { a: a!.add(x!) }, out: { inverse: engine.inverse(a!) } })
  const start = { a: float([2, 2], [2, 1, 1, 2]) }

  it('are those of the matrix', async () => {
    const warnings: string[] = []
    const { outs } = await run(step, start, [{ x: float([2, 2], [1, 0, 0, 1]) }, { x: float([2, 2], [0, 0, 0, 0]) }], [2], (m) =>
      warnings.push(m),
    )
    ;[2, 1, 1, 2].forEach((_, i) => expect(outs[0]!['inverse']!.data[i]).toBeCloseTo([2 / 3, -1 / 3, -1 / 3, 2 / 3][i]!, 6))
    ;[3, 1, 1, 3].forEach((_, i) => expect(outs[1]!['inverse']!.data[i]).toBeCloseTo([3 / 8, -1 / 8, -1 / 8, 3 / 8][i]!, 6))
    expect(warnings).toEqual([])
  })

  it('are made again on the host, with jitter and a warning, where a step meets a singular matrix', async () => {
    const warnings: string[] = []
    const feeds = [
      [-1, 0, 0, -1],
      [1, 0, 0, 1],
    ].map((v): Values => ({ x: float([2, 2], v) }))
    const { carry, outs } = await run(step, start, [...feeds, feeds[0]!], [3], (m) => warnings.push(m))
    const jittered = inverseSpd(Float64Array.of(1, 1, 1, 1), 2, () => undefined)
    expect(outs[1]!['inverse']!.data).toEqual(Float32Array.from(jittered))
    expect(outs[0]!['inverse']!.data[0]).toBeCloseTo(2 / 3, 6)
    expect(outs[2]!['inverse']!.data[0]).toBeCloseTo(2 / 3, 6)
    expect([...carry['a']!.data]).toEqual([1, 1, 1, 1])
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/jitter/)
  })

  it('fall back in a compiled function too', async () => {
    const program = engine.compile((t: { a: import('../engine/tensor.js').Tensor }) => engine.inverse(t.a))
    const y = await program({ a: float([2, 2], [1, 1, 1, 1]) })
    expect(y.data.every(Number.isFinite)).toBe(true)
    program.dispose()
  })
})
