import { hostKey, type Engine, type Key, type Model, type Tensors, type Values, type Variables } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bind, mlp, mlpOptions, resnet, resnetOptions } from '../networks/index.js'
import { zeros } from '../training/index.js'
import { engines, inMemory } from '../training/testing.js'
import { dense, fastfood, film, kronecker, roundedKronecker, roundedSizes, sparse, subspace, walshOnHost } from './index.js'
import type { Projector } from './index.js'
import { orthonormal } from './projectors/orthonormal.js'
import { walsh } from './projectors/hadamard.js'

const key = hostKey(137)
const params = (rows: number): Values => ({ 'head.kernel': zeros([rows - 10]), 'norm.scale': zeros([10]) })
const apply = (p: Projector, parts: Values, w: ArrayLike<number>) => p.apply(parts, w)
const unit = (dim: number, j: number) => Float64Array.from({ length: dim }, (_, i) => (i === j ? 1 : 0))
const inner = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((s, x, i) => s + x * b[i]!, 0)

const projectors: Record<string, Projector> = {
  dense: dense(),
  sparse: sparse(),
  fastfood: fastfood(),
  kronecker: kronecker(),
  rounded: roundedKronecker({ orthonormal: true }),
  normal: roundedKronecker({ orthonormal: false }),
  film: film({ names: ['norm'] }),
  both: film({ names: ['norm'], with: kronecker() }),
}

describe('projectors', () => {
  it('T10: sizes', () => {
    expect(roundedSizes(1000, 50)).toEqual({ k: 31, q: 7, left: [39, 1] })
    expect(roundedSizes(351_744, 50_000)).toEqual({ k: 593, q: 223, left: [95, 271] })
  })

  it('T10: the Hadamard transform', () => {
    expect(Array.from(walshOnHost(Float64Array.of(1, 0, 0, 0)))).toEqual([0.5, 0.5, 0.5, 0.5])
    expect(Array.from(walshOnHost(walshOnHost(Float64Array.of(1, 2, 3, 4))))).toEqual([1, 2, 3, 4])
  })

  it('T10: columns of the Kronecker projector are orthonormal', () => {
    const [rows, dim] = [1000, 50]
    const parts = kronecker().init(key, params(rows), dim)
    const columns = Array.from({ length: dim }, (_, j) => apply(kronecker(), parts, unit(dim, j)))
    for (let i = 0; i < dim; i++) for (let j = 0; j <= i; j++) expect(inner(columns[i]!, columns[j]!)).toBeCloseTo(i === j ? 1 : 0, 6)
    const q = orthonormal(key, 9, 4)
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 4; j++) {
        let sum = 0
        for (let r = 0; r < 9; r++) sum += q[r * 4 + i]! * q[r * 4 + j]!
        expect(sum).toBeCloseTo(i === j ? 1 : 0, 14)
      }
  })

  it.each(Object.keys(projectors).filter((name) => name !== 'film' && name !== 'both'))(
    'T10: a coordinate moves the parameters by about one: %s',
    (name) => {
      const [rows, dim] = [4096, 64]
      const p = projectors[name]!
      const parts = p.init(key, params(rows), dim)
      let sum = 0
      for (let j = 0; j < dim; j++) {
        const column = apply(p, parts, unit(dim, j))
        sum += inner(column, column)
      }
      // Eight columns a factor: the square of a normal factor's norm is some way off its mean.
      expect(Math.abs(sum / dim - 1)).toBeLessThan(name === 'normal' ? 0.25 : 0.05)
    },
  )

  it('film moves what it names and nothing else', () => {
    const p = projectors['film']!
    const moved = apply(p, p.init(key, params(100), 5), [1, 2, 3, 4, 5])
    expect(Array.from(moved.slice(0, 90)).every((x) => x === 0)).toBe(true)
    expect(Array.from(moved.slice(90)).every((x) => x !== 0)).toBe(true)
    expect(() => film({ names: ['none'] }).init(key, params(100), 5)).toThrow(/OCK-MODEL-012/)
  })

  it('refuse what could not be stored, or has too many coordinates', () => {
    const large: Values = { w: { shape: [2 ** 21], dtype: 'float32', data: new Float32Array(2 ** 21) } }
    expect(() => dense().init(key, large, 100)).toThrow(/OCK-MODEL-010/)
    expect(() => kronecker().init(key, params(100), 200)).toThrow(/OCK-MODEL-011/)
  })
})

describe.each(Object.entries(engines))('on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  afterAll(() => engine.dispose())

  it('T10: the transform of rows of odd powers of two', async () => {
    const x = key.normal([3, 32])
    const { data } = await engine.compile((a: { x: Tensor }) => walsh(a.x))({ x })
    for (let row = 0; row < 3; row++) {
      const wanted = walshOnHost(Float64Array.from(x.data.subarray(row * 32, row * 32 + 32)))
      wanted.forEach((y, i) => expect(data[row * 32 + i]).toBeCloseTo(y, 5))
    }
  })

  it.each(Object.keys(projectors))('T10: %s is the same map traced and on the host, and its adjoint is its adjoint', async (name) => {
    const [rows, dim] = [530, 23]
    const p = projectors[name]!
    const parts = p.init(key, params(rows), dim)
    const again = p.init(hostKey(137), params(rows), dim)
    for (const [part, { data }] of Object.entries(parts)) expect(again[part]!.data).toEqual(data)
    const w = key.fold('w').normal([dim])
    const y = key.fold('y').normal([rows])
    const program = engine.compile((a: { parts: Tensors; w: Tensor; y: Tensor }) => {
      const { grads, aux } = engine.valueAndGrad(
        ({ w }) => {
          const up = p.up(a.parts, w!)
          return { value: up.mul(a.y).sum(), aux: up }
        },
        { w: a.w },
      )
      return { up: aux, down: grads['w']! }
    })
    const { up, down } = await program({ parts, w, y })
    const host = apply(p, parts, w.data)
    expect(up.shape).toEqual([rows])
    host.forEach((x, i) => expect(up.data[i]).toBeCloseTo(x, 5))
    expect(inner(down.data, w.data)).toBeCloseTo(inner(host, y.data), 3)
  })

  const meta = inMemory({ train: { x: zeros([4, 6]), y: zeros([4], 'int32') } }, { classes: ['a', 'b', 'c'] }).meta
  const logits = async (model: Model, vars: Variables<Values[string]>, x: Values[string]) =>
    (await engine.compile((a: { vars: Variables; x: Tensor; key: Key }) => bind(model, a.vars, a.key, false)(a.x))({ vars, x, key })).data

  it('starts as the model itself, moves along a line, and unwraps to the model’s own weights', async () => {
    const base = mlp(mlpOptions.parse({ hidden: [7] }))
    const model = subspace({ of: base, dim: 11, projector: kronecker(), state: 'learn' })
    const vars = await model.init(key, meta)
    const x = key.fold('x').normal([4, 6])
    expect(Array.from(await logits(model, vars, x))).toEqual(Array.from(await logits(base, await base.init(key.fold('base'), meta), x)))
    const moved = { ...vars, params: { w: key.fold('w').normal([11]) } }
    // Names in another order, as from a file.
    const turned = { ...moved, frozen: Object.fromEntries(Object.entries(moved.frozen).reverse()) }
    const there = Array.from(await logits(model, moved, x))
    expect(Array.from(await logits(model, turned, x))).toEqual(there)
    Array.from(await logits(base, model.unwrap(turned), x)).forEach((y, i) => expect(y).toBeCloseTo(there[i]!, 4))
  })

  it('freezes running statistics', async () => {
    const base = resnet(resnetOptions.parse({ depth: 20, width: 2 }))
    const images = { ...meta, shapes: { x: { shape: [8, 8, 1], dtype: 'float32' as const } } }
    const free = subspace({ of: base, dim: 9, projector: fastfood(), state: 'learn' })
    const model = subspace({ of: base, dim: 9, projector: fastfood(), state: 'freeze' })
    expect(Object.keys((await free.init(key, images)).state).length).toBeGreaterThan(0)
    const vars = await model.init(key, images)
    expect(vars.state).toEqual({})
    const x = key.fold('x').normal([4, 8, 8, 1])
    const as = (train: boolean) =>
      engine.compile((a: { vars: Variables; x: Tensor; key: Key }) => bind(model, a.vars, a.key, train)(a.x))({ vars, x, key })
    expect(Array.from((await as(true)).data)).toEqual(Array.from((await as(false)).data))
    const inside = await logits(base, model.unwrap(vars), x)
    const still = Array.from((await as(false)).data)
    Array.from(inside).forEach((y, i) => expect(y).toBeCloseTo(still[i]!, 4))
  })
})
