import type { LoopPlan, Values } from 'ockham'
import { afterAll, describe, expect, it } from 'vitest'
import { createEngine, peakBytes, type Executor, type Graph } from '../engine/index.js'
import { tf, type Tensor, type Tensor4D } from '../engine/tensor.js'
import { onnxruntime } from './index.js'
import { estimate, usesPattern } from './memory.js'

const executor = await onnxruntime({ threads: 1 })
afterAll(() => executor.dispose())

const filled = (...shape: number[]) => ({ shape, dtype: 'float32', data: new Float32Array(shape.reduce((a, b) => a * b, 1)) }) as const

/** A convolution [8, 16, 16, 4] → 6 channels, and the gradient of its sum by the filter where that is asked for. */
async function recorded(options: {
  gradient?: boolean
  stride?: number
  batch?: number
  memory?: number
}): Promise<{ graph: Graph; plan: LoopPlan }> {
  let graph: Graph | undefined
  const spy: Executor = { ...executor, loop: (g, precision, warn) => executor.loop((graph = g), precision, warn) }
  const engine = createEngine(spy, options.memory === undefined ? {} : { memory: options.memory })
  const loop = engine.loop(({ w }, { x }, { engine }) => {
    const loss = (filter: typeof w) =>
      tf
        .conv2d(x as Tensor4D, filter as Tensor4D, options.stride ?? 1, 'valid')
        .square()
        .sum()
    if (!options.gradient) return { carry: { w: w!.mul(loss(w)) } }
    const { grads } = engine.valueAndGrad((p) => ({ value: loss(p['w']) as never, aux: {} }), { w: w! })
    return { carry: { w: w!.sub(grads['w']!) } }
  })
  const carry: Values = { w: filled(3, 3, 4, 6) }
  const plan = await loop.prepare(carry, { x: filled(options.batch ?? 8, 16, 16, 4) })
  loop.dispose()
  return { graph: graph!, plan }
}

const patches = (batch = 8): number => batch * 14 * 14 * 9 * 4 * 4

describe('the estimate of a step', () => {
  it('counts the patches of a convolution', async () => {
    const { graph } = await recorded({})
    expect(Math.abs(estimate(graph) - peakBytes(graph) - patches())).toBeLessThan(100)
  })

  it('counts patches once that a gradient by the filter shares with the forward pass', async () => {
    const { graph } = await recorded({ gradient: true })
    const more = estimate(graph) - peakBytes(graph)
    expect(more).toBeGreaterThan(0.9 * patches())
    expect(more).toBeLessThan(1.1 * patches())
  })

  it('counts no patches where the runtime makes none, but both transposes', async () => {
    const batch = 1200
    const { graph } = await recorded({ batch })
    const transposes = 4 * batch * (16 * 16 * 4 + 14 * 14 * 6)
    expect(patches(batch)).toBeGreaterThan(4 * 2 ** 23)
    expect(Math.abs(estimate(graph) - peakBytes(graph) - transposes)).toBeLessThan(100)
  })

  it('is in the plan, and refuses a step that does not fit, with both numbers', async () => {
    const { graph, plan } = await recorded({})
    expect(plan.peakBytes).toBe(Math.round(1.25 * (estimate(graph) + 2 * plan.carryBytes)))
    const said = (n: number): string => (n / 2 ** 20).toFixed(1).replace('.', '\\.')
    const refusal = new RegExp(`OCK-ENGINE-021: .*needs ${said(plan.peakBytes)} MiB at its peak, and there are 0\\.1 MiB`)
    await expect(recorded({ memory: 100_000 })).rejects.toThrow(refusal)
  })

  it('decides whether the runtime lays out a step in one block', async () => {
    expect(usesPattern((await recorded({})).graph)).toBe(true)
    expect(usesPattern((await recorded({ batch: 4000 })).graph)).toBe(false)
  })
})

it('10,000 calls leave resident memory as it was', { timeout: 60_000 }, async () => {
  const engine = createEngine(await onnxruntime({ threads: 1 }))
  const numbers = 2 ** 14
  const program = engine.compile((x: Tensor) => x.mul(2).add(1))
  const loop = engine.loop(({ a }, { x }) => ({ carry: { a: a!.add(x!) } }))
  const x = filled(numbers)
  let carry = loop.load({ a: x })
  const calls = async (count: number): Promise<number> => {
    for (let i = 0; i < count; i++) {
      await program(x)
      carry = (await loop.advance(carry, i, [{ x }], [])).carry
    }
    return process.memoryUsage.rss()
  }
  const before = await calls(1000)
  // Kept, the results of 5,000 calls of each would be 655 MB.
  expect((await calls(5000)) - before).toBeLessThan(2 ** 27)
  loop.dispose()
  await engine.dispose()
})
