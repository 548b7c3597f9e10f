import type { Engine, Optimizer, Run, Tensors, Values } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { map, prefix, under, value, zip } from '../../plugins/parts/training/index.js'
import { bytesOf, freshRun, interpreter, isFinite, type StartEngine } from './setting.js'

export interface OptimizerCase {
  readonly make: () => Optimizer | Promise<Optimizer>
  readonly engine?: StartEngine
  readonly steps?: number
  /** Share of the first loss that may be left after `steps`; larger for samplers, whose stationary loss is not zero. */
  readonly left?: number
}

const target: Values = { a: value([1, -2, 3]), 'b.kernel': value([0.5, -0.5, 2, 1], [2, 2]) }
const start: Values = map(target, (v) => value(new Float32Array(v.data.length), v.shape))
const stiffness: Readonly<Record<string, number>> = { a: 1, 'b.kernel': 3 }

/** Holds for every optimizer: it descends a quadratic, keeps the shapes of its memory, and draws from its key alone. */
export function optimizerSuite(name: string, { make, engine: begin = interpreter, steps = 300, left = 0.05 }: OptimizerCase): void {
  describe(`optimizer ${name}`, () => {
    let engine: Engine
    let optimizer: Optimizer
    beforeAll(async () => {
      engine = await begin()
      optimizer = await make()
    })
    afterAll(() => engine.dispose())

    /** ½ Σ s (p − t)². */
    const loss = (params: Tensors): Scalar => {
      const terms = zip(params, engine.capture(target) as Tensors, (p, t, n) =>
        p
          .sub(t)
          .square()
          .mul(stiffness[n]! / 2)
          .sum(),
      )
      return tf.addN(Object.values(terms)) as Scalar
    }
    const descend = async (run: Run, rate = 1): Promise<{ end: Values; losses: number[] }> => {
      const losses: number[] = []
      const end = await run.fold('descend', {
        carry: { ...prefix('params.', start), ...prefix('memory.', optimizer.init(start)) },
        steps,
        step(carry, _, { key, step }) {
          const params = under('params.', carry)
          const gradient = (p: Tensors): Tensors => engine.valueAndGrad((q) => ({ value: loss(q), aux: null }), p).grads
          const next = optimizer.update({
            params,
            memory: under('memory.', carry),
            gradient,
            key,
            step,
            rate: tf.scalar(rate),
            examples: 10_000,
          })
          return { carry: { ...prefix('params.', next.params), ...prefix('memory.', next.memory) }, out: { loss: loss(params) } }
        },
        absorb: (_, out) => losses.push(out['loss']!.data[0]!),
      })
      return { end, losses }
    }

    it('descends a quadratic', async () => {
      const { losses } = await descend(freshRun(engine))
      expect(losses.at(-1)!).toBeLessThan(left * losses[0]!)
    })

    it('keeps names, shapes and finite numbers', async () => {
      const { end } = await descend(freshRun(engine))
      const shapes = (values: Values): object => map(values, ({ shape }) => shape)
      expect(shapes(end)).toEqual(shapes({ ...prefix('params.', start), ...prefix('memory.', optimizer.init(start)) }))
      expect(Object.values(end).every(isFinite)).toBe(true)
    })

    it('is a function of its key', async () => {
      const [one, two] = [await descend(freshRun(engine, 1)), await descend(freshRun(engine, 1))]
      expect(bytesOf(one.end)).toEqual(bytesOf(two.end))
    })

    it('stands still at a learning rate of zero', async () => {
      const { end } = await descend(freshRun(engine), 0)
      expect(bytesOf(under('params.', end))).toEqual(bytesOf(start))
    })
  })
}
