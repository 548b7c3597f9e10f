import { hostKey, type Engine, type LoopPlan, type Tensors, type Value } from 'ockham'
import { describe, expect, it } from 'vitest'
import { onnxruntime } from '../onnxruntime/index.js'
import { createEngine, interpreter, peakBytes, type EngineOptions, type Executor, type Graph } from './index.js'
import { tf, type Scalar, type Tensor } from './tensor.js'

const vector = (...data: number[]): Value => ({ shape: [data.length], dtype: 'float32', data: Float32Array.from(data) })
const executors = {
  interpreter: (profile = false): Promise<Executor> => interpreter({ profile }),
  onnxruntime: (profile = false): Promise<Executor> => onnxruntime({ threads: 1, profile }),
}

describe.each(Object.entries(executors))('on %s', (_, start) => {
  const engineOf = async (options: EngineOptions): Promise<Engine> => createEngine(await start(), options)

  it('prints what a program and each step of a loop computed, and hands it on', async () => {
    const said: [string, number[], number | undefined][] = []
    const engine = await engineOf({ print: (name, v, step) => void said.push([name, Array.from(v.data), step]) })
    const program = engine.compile((x: Tensor) => engine.print('twice', x.mul(2)).sum())
    expect((await program(vector(1, 2))).data[0]).toBe(6)
    expect(said).toEqual([['twice', [2, 4], undefined]])
    said.length = 0
    const loop = engine.loop(({ a }, { x }, tick) => {
      const next = a!.add(tick.engine.print('x', x!))
      tick.engine.print('a', next)
      return { carry: { a: next }, out: { a: next } }
    })
    const feeds = [1, 2, 3].map((x) => ({ x: vector(x) }))
    const { outs, carry } = await loop.advance(loop.load({ a: vector(10) }), 5, feeds, [])
    expect(said).toEqual(
      [5, 6, 7].flatMap((step, i) => [
        ['x', [i + 1], step],
        ['a', [[11], [13], [16]][i]!, step],
      ]),
    )
    expect(Object.keys(outs[0]!)).toEqual(['a'])
    expect((await carry.read())['a']!.data[0]).toBe(16)
    expect((await loop.prepare({ a: vector(10) }, feeds[0]!)).stepsPerCall).toBe(32)
    await engine.dispose()
  })

  it('names the first operation of a program whose result is not finite, and its line', async () => {
    const engine = await engineOf({ check: 'finite' })
    const program = engine.compile((x: Tensor) => {
      const y = tf.log(x.sub(2))
      return y.mul(3).sum()
    })
    expect((await program(vector(3, 4))).data[0]).toBeCloseTo(3 * Math.log(2), 5)
    await expect(program(vector(3, 1))).rejects.toThrow(/OCK-ENGINE-022 at .*watching\.test\.ts:\d+.*Log of float32 \[2\] is the first/)
    await expect(program(vector(NaN, 1))).rejects.toThrow(/OCK-ENGINE-022.*argument.* is not finite/)
    await engine.dispose()
  })

  it('names the step of a loop, however many a call takes', async () => {
    const engine = await engineOf({ check: 'finite' })
    const loop = engine.loop(({ a }, _, { step }) => ({ carry: { a: a!.add(tf.sqrt(tf.sub(3, step))) } }))
    const carry = loop.load({ a: vector(0) })
    const fine = await loop.advance(carry, 0, [{}, {}], [])
    await expect(loop.advance(fine.carry, 2, [{}, {}, {}, {}], [])).rejects.toThrow(/Sqrt of float32 \[\] .* not finite in step 4/)
    await engine.dispose()
  })

  it('refuses what does not fit, with the numbers', async () => {
    const engine = await engineOf({ memory: 2 ** 20 })
    const big = (x: Tensor): Scalar => tf.matMul(x, x).sum()
    const square = (n: number): Value => ({ shape: [n, n], dtype: 'float32', data: new Float32Array(n * n) })
    await expect(engine.compile(big)(square(300))).resolves.toBeDefined()
    // 512² floats are a mebibyte, and the product is another.
    await expect(engine.compile(big)(square(512))).rejects.toThrow(/OCK-ENGINE-021: .*2\.0 MiB at its peak, and there are 1\.0 MiB/)
    const loop = engine.loop(({ a }) => ({ carry: { a: tf.matMul(a!, a!) } }))
    await expect(loop.prepare({ a: square(512) }, {})).rejects.toThrow(/OCK-ENGINE-021/)
    await engine.dispose()
  })

  it('takes fewer steps a call where memory is short', async () => {
    const wide = async (memory: number): Promise<LoopPlan> => {
      const engine = await engineOf({ memory })
      const loop = engine.loop(({ a }, { x }) => ({ carry: { a: a!.add(x!.sum()) } }))
      const x = { shape: [1000], dtype: 'float32', data: new Float32Array(1000) } as const
      const plan = await loop.prepare({ a: { shape: [], dtype: 'float32', data: Float32Array.of(0) } }, { x })
      await engine.dispose()
      return plan
    }
    const { stepsPerCall, peakBytes, feedBytes } = await wide(2 ** 20)
    expect(stepsPerCall).toBe(32)
    expect((await wide(peakBytes + 2 * 10 * feedBytes)).stepsPerCall).toBe(10)
  })

  it('tells how long each kind of operation took', async () => {
    const engine = createEngine(await start(true))
    const program = engine.compile((x: Tensor) => tf.exp(x).sin().sum())
    for (let i = 0; i < 3; i++) await program({ shape: [1000], dtype: 'float32', data: new Float32Array(1000) })
    const times = await engine.profile!()
    expect(times.find((t) => t.kind === 'Sin')).toMatchObject({ calls: 3 })
    expect(times.every((t) => t.ms >= 0 && t.calls > 0)).toBe(true)
    expect(times.map((t) => t.ms)).toEqual(times.map((t) => t.ms).sort((a, b) => b - a))
    await engine.dispose()
  })

  it('has no profile unless it was asked for', async () => {
    const engine = await engineOf({})
    expect(engine.profile).toBeUndefined()
    await engine.dispose()
  })
})

describe('peak memory', () => {
  const peakOf = async (fn: (p: Tensors) => Tensor, inputs: Record<string, Value>): Promise<number> => {
    const executor = await interpreter()
    let graph: Graph | undefined
    const spy: Executor = { ...executor, compile: (g, precision) => executor.compile((graph = g), precision) }
    await createEngine(spy).compile(fn)(inputs)
    return peakBytes(graph!)
  }
  const x = { shape: [10, 10], dtype: 'float32', data: new Float32Array(100) } as const

  it('counts an elementwise chain once, as each writes over the last', async () => {
    expect(await peakOf(({ x }) => x!.exp().sin().mul(2).exp(), { x })).toBe(2 * 400 + 4)
  })

  it('counts results that are read later', async () => {
    expect(await peakOf(({ x }) => tf.matMul(tf.matMul(x!, x!), tf.matMul(x!, x!, true)), { x })).toBe(4 * 400)
  })

  it('counts reshapes not at all', async () => {
    expect(await peakOf(({ x }) => tf.matMul(x!.reshape([4, 25]), x!.reshape([25, 4])).reshape([16]), { x })).toBe(400 + 64)
  })
})

it('draws made for a check are those of the call', async () => {
  const engine = createEngine(await interpreter(), { check: 'finite' })
  const loop = engine.loop(({ a }, _, { key }) => ({ carry: { a: a!.add(tf.log(key.normal([1]).abs().neg())) } }))
  await expect(loop.advance(loop.load({ a: vector(0) }), 0, [{}], [hostKey(1)])).rejects.toThrow(/Log of/)
  await engine.dispose()
})
