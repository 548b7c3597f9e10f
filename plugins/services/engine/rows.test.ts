import type { Engine, Tensors, Value, Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine, interpreter } from './index.js'
import { kernels } from './kernels.js'
import { compositions } from './compositions.js'
import { cases, random, type Case } from './test-cases.js'
import { tf, type Tensor } from './tensor.js'

/** The case as tfjs' cpu backend computes it, outside any trace. */
function eager(inputs: Values, fn: Case['build'] extends (r: never) => { fn: infer F } ? F : never): Value {
  const y: Tensor = tf.tidy(() =>
    fn(Object.fromEntries(Object.entries(inputs).map(([n, v]) => [n, tf.tensor(v.data, [...v.shape], v.dtype as 'float32')]))),
  )
  const value = { shape: y.shape, dtype: y.dtype as Value['dtype'], data: y.dataSync() as Value['data'] }
  y.dispose()
  return value
}

function close(got: Value, wanted: Value, tolerance = 1e-5): void {
  expect(got.shape).toEqual(wanted.shape)
  expect(got.dtype).toBe(wanted.dtype)
  wanted.data.forEach((w, i) => {
    const g = got.data[i]!
    if (Object.is(g, w) || (Number.isNaN(g) && Number.isNaN(w))) return
    expect(Math.abs(g - w), `element ${i}: ${g} for ${w}`).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(w)))
  })
}

describe.each([{ wasm: false }, { wasm: true }])('every row against tfjs on cpu, interpreter %o', (options) => {
  let engine: Engine
  let executor: Awaited<ReturnType<typeof interpreter>>
  beforeAll(async () => {
    executor = await interpreter(options)
    engine = createEngine(executor)
  })
  afterAll(() => engine.dispose())

  it.each(cases.map((c, i) => [`${c.kernel} ${c.name}`, c, i] as const))('%s', async (_, c, i) => {
    const { inputs, fn } = c.build(random(i + 1))
    const program = engine.compile((t: Tensors) => fn(t))
    const before = tf.memory().numTensors
    close(await program(inputs), eager(inputs, fn))
    expect(tf.memory().numTensors).toBe(before)
    program.dispose()
  })

  it('leaves no tensor behind', () => {
    expect(executor.tensors()).toBe(0)
    expect(tf.memory().numTensors).toBe(0)
  })
})

it('has a case for every row', () => {
  const covered = new Set(cases.map((c) => c.kernel))
  const rows = [...Object.keys(kernels), ...Object.keys(compositions)]
  expect(rows.filter((k) => !covered.has(k))).toEqual([])
  const drawn = new Set(cases.filter((c) => c.drawn).map((c) => c.kernel))
  expect(rows.filter((k) => !drawn.has(k))).toEqual([])
})
