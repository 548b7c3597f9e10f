import type { DatasetMeta, Engine, Key, Model, Tensors, Value, Values, Variables } from 'ockham'
import { hostKey } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bind } from '../../plugins/parts/networks/index.js'
import { asInput } from '../../plugins/parts/training/batches.js'
import { bytesOf, interpreter, isFinite, type StartEngine } from './setting.js'

export interface ModelCase {
  readonly make: () => Model | Promise<Model>
  readonly meta: DatasetMeta
  /** Inputs as a dataset reads them, at least two rows. */
  readonly x: Values
  readonly engine?: StartEngine
  /** The weights of its layers, where they are not its parameters. */
  readonly weights?: (model: Model, vars: Variables<Value>) => Values
  /** Whether it has linear layers, whose ends it announces; true unless given. */
  readonly layered?: boolean
}

const permuted = (v: Value, order: readonly number[]): number[] => {
  const width = v.data.length / order.length
  return order.flatMap((row) => Array.from(v.data.slice(row * width, (row + 1) * width)))
}

/** Holds for every parametric model: variables follow from the key, linear layers announce their ends, rows do not mix. */
export function modelSuite(
  name: string,
  { make, meta, x, engine: start = interpreter, weights = (_, { params }) => params, layered = true }: ModelCase,
): void {
  describe(`model ${name}`, () => {
    let engine: Engine
    let model: Model
    let vars: Variables<Value>
    const rows = Object.values(x)[0]!.shape[0]!
    beforeAll(async () => {
      engine = await start()
      model = await make()
      vars = await model.init(hostKey(1), meta)
    })
    afterAll(() => engine.dispose())

    const kernels = (): [string, Value][] =>
      Object.entries(weights(model, vars)).filter(([p, { shape }]) => p.endsWith('.kernel') && shape.length === 2)
    const layers = (): string[] => kernels().map(([p]) => p.slice(0, -'.kernel'.length))
    const run = async (inputs: Values, at: Variables<Value>, names: readonly string[] = []) => {
      const program = engine.compile((a: { vars: Variables; x: Tensors; key: Key }) => {
        const net = bind(model, a.vars, a.key, false)
        return { y: net(asInput(a.x)), points: net.points(asInput(a.x), names) }
      })
      const result = await program({ vars: at, x: inputs, key: hostKey(2) })
      program.dispose()
      return result
    }

    it('starts from the key and nothing else', async () => {
      const again = await model.init(hostKey(1), meta)
      const other = await model.init(hostKey(2), meta)
      for (const group of ['params', 'frozen', 'state'] as const) expect(bytesOf(again[group])).toEqual(bytesOf(vars[group]))
      const kept = JSON.stringify(bytesOf({ ...vars.params, ...vars.frozen }))
      expect(JSON.stringify(bytesOf({ ...other.params, ...other.frozen })) === kept).toBe(model.pretrained ?? false)
    })

    it('names each variable once', () => {
      const names = [vars.params, vars.frozen, vars.state].flatMap((group) => Object.keys(group))
      expect(new Set(names).size).toBe(names.length)
      expect(Object.values(vars.params).every(isFinite)).toBe(true)
    })

    it('gives a row an output, and rows do not mix', async () => {
      const { y } = await run(x, vars)
      expect(y.shape[0]).toBe(rows)
      expect(isFinite(y)).toBe(true)
      const order = Array.from({ length: rows }, (_, i) => rows - 1 - i)
      const turned = Object.fromEntries(
        Object.entries(x).map(([field, v]) => [
          field,
          { ...v, data: (v.data.constructor as typeof Float32Array).from(permuted(v, order)) },
        ]),
      )
      const other = await run(turned, vars)
      permuted(other.y, order).forEach((value, i) => expect(value).toBeCloseTo(y.data[i]!, 4))
    })

    if (!layered) return

    it('announces the ends of linear layers: out = in · kernel + bias', async () => {
      expect(layers().length).toBeGreaterThan(0)
      const { points } = await run(
        x,
        vars,
        layers().flatMap((layer) => [`${layer}.in`, `${layer}.out`]),
      )
      for (const [kernel, { shape, data }] of kernels()) {
        const layer = kernel.slice(0, -'.kernel'.length)
        const [inputs, outputs] = shape as [number, number]
        const h = points[`${layer}.in`]!
        const out = points[`${layer}.out`]!
        expect([h.shape.at(-1), out.shape.at(-1)]).toEqual([inputs, outputs])
        const bias = weights(model, vars)[`${layer}.bias`]
        for (let o = 0; o < outputs; o++) {
          let sum = bias ? bias.data[o]! : 0
          for (let i = 0; i < inputs; i++) sum += h.data[i]! * data[i * outputs + o]!
          expect(out.data[o]!).toBeCloseTo(sum, 3)
        }
      }
    })

    it('lets an observer put something in the place of a point', async () => {
      const last = layers().at(-1)!
      const program = engine.compile((a: { vars: Variables; x: Tensors; key: Key }) => {
        const zero = (point: string, h: Tensor): Tensor => (point === `${last}.out` ? h.mul(0) : h)
        return { y: bind(model, a.vars, a.key, false)(asInput(a.x), { at: zero }) }
      })
      const { y } = await program({ vars, x, key: hostKey(2) })
      program.dispose()
      const { y: before } = await run(x, vars)
      expect(Array.from(y.data)).not.toEqual(Array.from(before.data))
    })
  })
}
