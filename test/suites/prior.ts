import type { Engine, Key, Prior, Problem, Tensors, Value, Values, Variables } from 'ockham'
import { hostKey } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parametric } from '../../plugins/parts/networks/index.js'
import { asBatch, batches, jointPass, map, value } from '../../plugins/parts/training/index.js'
import { along, bytesOf, inner, interpreter, smallProblem, type StartEngine } from './setting.js'

export interface PriorCase {
  readonly make: () => Prior | Promise<Prior>
  /** The problem the prior is tried on; clouds and a small network unless given. */
  readonly problem?: Problem
  readonly engine?: StartEngine
  /** Relative tolerance of the gradient in float32. */
  readonly tolerance?: number
  /** Least size of the weights that it is tried at, for densities with a spike or pole at zero, which differences would step across. */
  readonly away?: number
}

/** Holds for every prior: the energy is finite, its gradient is right, and `gaussian` describes the same density. */
export function priorSuite(
  name: string,
  { make, problem: given, engine: start = interpreter, tolerance = 2e-2, away = 0 }: PriorCase,
): void {
  describe(`prior ${name}`, () => {
    let engine: Engine
    let prior: Prior
    let problem: Problem
    let vars: Variables<Value>
    let memory: Values
    let feed: Values
    let batch: Values
    beforeAll(async () => {
      engine = await start()
      prior = await make()
      problem = { ...(given ?? smallProblem(hostKey(0))), prior }
      const fresh = await parametric(problem.model).init(hostKey(1), problem.dataset.meta)
      // Away from the start, where some energies are flat.
      const moved = map(fresh.params, (p, n) => along({ p }, 0.3, { p: hostKey(2).fold(n).normal(p.shape) })['p']!)
      vars = { ...fresh, params: map(moved, (p) => ({ ...p, data: Float32Array.from(p.data, (x: number) => x + Math.sign(x) * away) })) }
      memory = (await prior.init?.(problem, fresh, hostKey(3))) ?? {}
      feed = (await prior.feed?.(0, hostKey(4), problem)) ?? {}
      batch = await batches(problem.dataset, 'train', { size: 8 })(0, hostKey(5))
    })
    afterAll(() => engine.dispose())

    const energies = async (points: readonly Values[]): Promise<{ energy: number; gradient: Values }[]> => {
      const program = engine.compile((a: { params: Tensors; batch: Tensors; memory: Tensors; feed: Tensors; key: Key }) => {
        const { value: energy, grads } = engine.valueAndGrad((params) => {
          const pass = jointPass(problem, {
            vars: { params, frozen: engine.capture(vars.frozen), state: engine.capture(vars.state) },
            batch: asBatch(a.batch),
            memory: { objective: {}, prior: a.memory },
            feed: { objective: {}, prior: a.feed },
            key: a.key,
            engine,
            progress: tf.scalar(0),
          })
          return { value: pass.energy.add<Scalar>(0), aux: null }
        }, a.params)
        return { energy, grads }
      })
      const results = []
      for (const params of points) {
        const { energy, grads } = await program({ params, batch, memory, feed, key: hostKey(6) })
        results.push({ energy: energy.data[0]!, gradient: grads })
      }
      program.dispose()
      return results
    }

    it('feeds a pure function of its arguments, of one shape', async () => {
      expect(bytesOf((await prior.feed?.(0, hostKey(4), problem)) ?? {})).toEqual(bytesOf(feed))
      const later = (await prior.feed?.(7, hostKey(4), problem)) ?? {}
      expect(map(later, ({ shape, dtype }) => [dtype, shape])).toEqual(map(feed, ({ shape, dtype }) => [dtype, shape]))
      expect(bytesOf((await prior.init?.(problem, vars, hostKey(3))) ?? {})).toEqual(
        bytesOf((await prior.init?.(problem, vars, hostKey(3))) ?? {}),
      )
    })

    it('has a finite energy whose gradient agrees with central differences', async () => {
      for (let i = 0; i < 3; i++) {
        const direction = map(vars.params, (p, n) => hostKey(9).fold(i).fold(n).normal(p.shape))
        const h = 1e-2
        const [at, up, down] = await energies([vars.params, along(vars.params, h, direction), along(vars.params, -h, direction)])
        expect(Number.isFinite(at!.energy)).toBe(true)
        const slope = inner(at!.gradient, direction)
        const difference = (up!.energy - down!.energy) / (2 * h)
        expect(Math.abs(slope - difference)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(difference)))
      }
    })

    it('describes the same density where it is a Gaussian', async () => {
      const gaussian = prior.gaussian?.(vars)
      if (!gaussian) return
      const mean = { ...vars.params, ...gaussian.mean }
      const [at, centre] = await energies([vars.params, mean])
      const offset = along(vars.params, -1, mean)
      const weighted = map(offset, (v, n) =>
        value(
          Array.from(v.data, (x, i) => x * gaussian.precision[n]!.data[i]!),
          v.shape,
        ),
      )
      const quadratic = inner(offset, weighted) / 2
      expect(at!.energy - centre!.energy).toBeCloseTo(quadratic, 3)
    })
  })
}
