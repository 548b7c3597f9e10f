import { hostKey, InputError, type Engine, type Key, type Tensors, type Value } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine, interpreter } from './index.js'
import { value } from './testing.js'
import { tf, type Tensor, type Tensor1D } from './tensor.js'

let engine: Engine
beforeAll(async () => {
  engine = createEngine(await interpreter({ wasm: false }))
})
afterAll(() => engine.dispose())

const x = value([1, -2, 3])

/** The problem that tracing `fn` on x raises. */
async function problem(fn: (t: Tensor, key: Key) => unknown): Promise<{ code: string; what: string; where: string }> {
  const program = engine.compile((a: { x: Tensor; key: Key }) => fn(a.x, a.key) as Tensor)
  const error = await program({ x, key: hostKey(1) }).then(
    () => undefined,
    (e: unknown) => e,
  )
  expect(error).toBeInstanceOf(InputError)
  const { code, what, where } = (error as InputError).problems[0]!
  expect(program.compiled).toBe(0)
  return { code, what, where: where ?? '' }
}

/** The line of the caller, as an error would name it. */
function here(offset = 0): string {
  const frame = new Error().stack!.split('\n').find((l) => l.includes('errors.test.ts') && !l.includes('here'))!
  return `errors.test.ts:${Number(/errors\.test\.ts:(\d+)/.exec(frame)![1]) + offset}`
}

describe('reading a tensor', () => {
  it.each([
    ['dataSync', (t: Tensor) => t.dataSync()],
    ['arraySync', (t: Tensor) => t.arraySync()],
    ['bufferSync', (t: Tensor) => t.bufferSync()],
    ['print', (t: Tensor) => t.print()],
    ['print', (t: Tensor) => tf.print(t.add(1))],
    ['toString', (t: Tensor) => t.toString()],
  ])('%s', async (name, read) => {
    const { code, what, where } = await problem((t) => (read(t), t))
    expect(code).toBe('OCK-ENGINE-002')
    expect(what).toContain(`${name} reads`)
    expect(where).toContain('errors.test.ts:')
  })

  it('in a condition', async () => {
    const line = here(1)
    const found = await problem((t) => (t.sum().dataSync()[0]! > 0 ? t : t.neg()))
    expect(found.code).toBe('OCK-ENGINE-002')
    expect(found.where).toContain(line)
  })

  it('behind a promise', async () => {
    const line = here(1)
    const found = await problem(async (t) => ((await t.data())[0]! > 0 ? t : t.neg()))
    expect(found.code).toBe('OCK-ENGINE-002')
    expect(found.where).toContain(line)
    const dropped = await problem((t) => {
      void t.array()
      return t
    })
    expect(dropped.code).toBe('OCK-ENGINE-002')
  })

  it('of numbers known while tracing is allowed', async () => {
    const program = engine.compile(({ x: t }: { x: Tensor }) => t.mul(tf.scalar(3).dataSync()[0]!))
    expect([...(await program({ x })).data]).toEqual([3, -6, 9])
  })
})

describe('draws', () => {
  it('from a host key', async () => {
    const outer = hostKey(3)
    const line = here(1)
    const { code, where } = await problem((t) => t.mul(outer.normal([1]).data[0]!))
    expect(code).toBe('OCK-ENGINE-003')
    expect(where).toContain(line)
    expect(outer.normal([2]).shape).toEqual([2])
  })

  it.each([
    ['dropout', (t: Tensor) => tf.dropout(t, 0.5)],
    ['randomNormal', () => tf.randomNormal([3], 0, 1, 'float32', 7)],
    ['randomNormal', () => tf.randomNormal([3])],
    ['randomUniform', () => tf.randomUniform([3], 0, 1, 'float32', 7)],
    ['randomUniform', () => tf.randomUniform([3])],
    ['truncatedNormal', () => tf.truncatedNormal([3], 0, 1, 'float32', 7)],
    ['randomGamma', () => tf.randomGamma([3], 1, 1, 'float32', 7)],
    ['randomStandardNormal', () => tf.randomStandardNormal([3], 'float32', 7)],
    ['multinomial', (t: Tensor) => tf.multinomial(t as Tensor1D, 2, 7)],
    ['multinomial', () => tf.multinomial(tf.tensor1d([0.1, 0.2]), 2, 7)],
    ['Math.random', () => tf.rand([3], () => Math.random())],
  ])('by tf.%s', async (name, draw) => {
    const { code, what, where } = await problem((t) => t.add(draw(t).sum()))
    expect(code).toBe('OCK-ENGINE-004')
    expect(what).toContain(`${name} draws`)
    expect(where).toContain('errors.test.ts:')
  })

  it('by Math.random', async () => {
    const line = here(1)
    const { code, where } = await problem((t) => t.mul(Math.random()))
    expect(code).toBe('OCK-ENGINE-004')
    expect(where).toContain(line)
    expect(Math.random()).toBeLessThan(1)
    expect(tf.tidy(() => tf.randomNormal([2]).shape)).toEqual([2])
  })

  it('of a traced key outside its function', async () => {
    const kept: Key[] = []
    const program = engine.compile(({ x: t, key }: { x: Tensor; key: Key }) => (kept.push(key), t.add(key.normal([3]))))
    await program({ x, key: hostKey(1) })
    const line = here(1)
    expect(() => kept[0]!.normal([3])).toThrow(/OCK-ENGINE-007/)
    expect(() => kept[0]!.normal([3])).toThrow(line.replace(/\d+$/, ''))
    const { code } = await problem((t) => t.add(kept[0]!.fold('a').normal([3])))
    expect(code).toBe('OCK-ENGINE-007')
  })

  it('of a key folded by a tensor', async () => {
    const { code } = await problem((t, key) => t.add(key.fold(t.sum() as unknown as number).normal([3])))
    expect(code).toBe('OCK-ENGINE-007')
  })

  it('of a captured host key', async () => {
    const { code } = await problem((t) => t.add(engine.capture<never>({ key: hostKey(1) } as never)))
    expect(code).toBe('OCK-ENGINE-003')
  })
})

describe('what comes from outside', () => {
  it('a tensor', async () => {
    const outer = tf.tensor1d([1, 2, 3])
    const line = here(1)
    const { code, what, where } = await problem((t) => t.add(outer))
    expect(code).toBe('OCK-ENGINE-005')
    expect(what).toContain('add uses a tensor')
    expect(where).toContain(line)
    expect((await problem((t) => t.add(outer.neg()))).code).toBe('OCK-ENGINE-005')
    expect((await problem(() => outer)).code).toBe('OCK-ENGINE-005')
    outer.dispose()
  })

  it('a variable', async () => {
    const outer = tf.tidy(() => tf.variable(tf.tensor1d([1, 2, 3])))
    const { code, what } = await problem((t) => t.mul(outer))
    expect(code).toBe('OCK-ENGINE-005')
    expect(what).toContain('tf.Variable')
    tf.disposeVariables()
  })

  it('a tensor of another traced function', async () => {
    const kept: Tensor[] = []
    const program = engine.compile(({ x: t }: { x: Tensor }) => (kept.push(t.neg()), t))
    await program({ x })
    expect((await problem((t) => t.add(kept[0]!))).code).toBe('OCK-ENGINE-015')
    expect(() => tf.add(kept[0]!, 1)).toThrow(/OCK-ENGINE-015/)
    expect(() => kept[0]!.dataSync()).toThrow(/OCK-ENGINE-015|disposed/)
  })

  it('a tensor as an argument, a function as a result', async () => {
    const program = engine.compile(({ x: t }: { x: Tensor }) => t)
    const t = tf.scalar(1)
    await expect(program({ x: t as unknown as Value })).rejects.toThrow(/OCK-ENGINE-013 at x/)
    await expect(program({ x: value([1, 2], [3]) })).rejects.toThrow(/OCK-ENGINE-013 at x: shape \[3\] needs 3/)
    await expect(program({ x: (() => 1) as unknown as Value })).rejects.toThrow(/OCK-ENGINE-013/)
    expect((await problem(() => ({ f: () => 1 }))).code).toBe('OCK-ENGINE-013')
    t.dispose()
  })
})

describe('what cannot be traced', () => {
  it('a kernel without a row', async () => {
    const line = here(1)
    const { code, what, where } = await problem((t) => tf.spectral.rfft(t))
    expect(code).toBe('OCK-ENGINE-001')
    expect(what).toMatch(/kernel \w+ for float32 \[.*3\]/)
    expect(where).toContain(line)
    expect((await problem((t) => tf.unique(t).values)).what).toMatch(/kernel Unique for float32 \[3\]/)
  })

  it('a kernel that the executor lacks', async () => {
    const poor = createEngine({ ...(await interpreter({ wasm: false })), supports: (op) => op !== 'Exp' })
    await expect(poor.compile(({ x: t }: { x: Tensor }) => t.exp())({ x })).rejects.toThrow(/OCK-ENGINE-001.*Exp/)
  })

  it('a promise', async () => {
    const { code } = await problem(async (t) => {
      await Promise.resolve()
      return t
    })
    expect(code).toBe('OCK-ENGINE-006')
  })

  it('another program', async () => {
    const inner = engine.compile(({ x: t }: { x: Tensor }) => t)
    const { code } = await problem((t) => (void inner({ x }), t))
    expect(code).toBe('OCK-ENGINE-016')
  })

  it('shapes and types that do not fit', async () => {
    const line = here(1)
    const { code, what, where } = await problem((t) => t.add(tf.tensor1d([1, 2])))
    expect(code).toBe('OCK-ENGINE-009')
    expect(what).toContain('[3] and [2] do not broadcast')
    expect(where).toContain(line)
    expect((await problem((t) => t.greater(0).add(t.greater(1)))).code).toBe('OCK-ENGINE-009')
    expect((await problem((t) => engine.inverse(t))).code).toBe('OCK-ENGINE-009')
  })

  it('a derivative of what is no scalar, or has no derivative', async () => {
    const grad = (f: (t: Tensor) => Tensor) => (t: Tensor) =>
      engine.valueAndGrad((p: Tensors) => ({ value: f(p.t!) as never, aux: undefined }), { t }).grads.t
    const vector = await problem(grad((t) => t.square()))
    expect(vector.code).toBe('OCK-ENGINE-010')
    expect(vector.what).toContain('[3]')
    const known = tf.getGradient('TopK')
    tf.unregisterGradient('TopK')
    const lost = await problem(grad((t) => tf.topk(t, 2).values.sum()))
    tf.registerGradient(known)
    expect(lost.code).toBe('OCK-ENGINE-011')
    expect(lost.what).toMatch(/TopK at .*errors\.test\.ts:\d+/)
  })

  it('double precision where there is none', () => {
    expect(() => engine.compile((t: Tensor) => t, { precision: 'float64' })).toThrow(/OCK-ENGINE-014/)
    expect(() => engine.loop((carry) => ({ carry }), { precision: 'float64' })).toThrow(/OCK-ENGINE-014/)
  })
})

describe('outside a traced function', () => {
  it.each(['valueAndGrad', 'vjp', 'jvp', 'stop', 'capture', 'host', 'double', 'inverse'] as const)('%s', (name) => {
    expect(() => (engine[name] as (...a: unknown[]) => unknown)(() => undefined, {}, [])).toThrow(new RegExp(`OCK-ENGINE-008.*${name}`))
  })
})

it('a host call that returns other shapes', async () => {
  const program = engine.compile(({ x: t }: { x: Tensor }) => engine.host((v) => [v], [t], [[2]])[0]!)
  await expect(program({ x })).rejects.toThrow(/OCK-ENGINE-017 at .*errors\.test\.ts:\d+.*\[3\], not \[2\]/)
})

it('a program after it was disposed', async () => {
  const program = engine.compile(({ x: t }: { x: Tensor }) => t.neg())
  await program({ x })
  program.dispose()
  await expect(program({ x })).rejects.toThrow(/OCK-ENGINE-018/)
})

describe('loops', () => {
  it('that change their carry', async () => {
    const loop = engine.loop(({ a }) => ({ carry: { a: a!.sum(), b: tf.scalar(1) } }))
    const error = await loop.prepare({ a: x }, {}).catch((e: unknown) => e as InputError)
    expect((error as InputError).problems.map((p) => p.what)).toEqual([
      "the step turns carry 'a' from float32 [3] into float32 []",
      "the step turns carry 'b' from nothing into float32 []",
    ])
    expect((error as InputError).code).toBe('OCK-ENGINE-012')
  })

  it('fed unevenly, or without keys', async () => {
    const loop = engine.loop(({ a }, { f }, { key }) => ({ carry: { a: a!.add(f!.sum()).add(key.normal([])) } }))
    const carry = loop.load({ a: value([1], []) })
    await expect(loop.advance(carry, 0, [{ f: value([1]) }, { f: value([1, 2]) }], [])).rejects.toThrow(/OCK-ENGINE-019.*feed 1/)
    await expect(loop.advance(carry, 0, [{ f: value([1]) }], [])).rejects.toThrow(/OCK-ENGINE-019.*key/)
    loop.dispose()
    await expect(loop.advance(carry, 0, [{ f: value([1]) }], [])).rejects.toThrow(/OCK-ENGINE-018/)
  })
})

it('leaves tfjs as it was', () => {
  expect(tf.getBackend()).toBe('cpu')
  expect(tf.memory()).toMatchObject({ numTensors: 0, numDataBuffers: 0, numBytes: 0 })
})
