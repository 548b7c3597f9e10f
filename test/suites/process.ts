import type { DatasetMeta, Process, Value, Values } from 'ockham'
import { hostKey } from 'ockham'
import { beforeAll, describe, expect, it } from 'vitest'
import { clouds, isFinite } from './setting.js'

export interface ProcessCase {
  readonly make: () => Process | Promise<Process>
  /** What the process is a prior for; two classes of points in the plane unless another is given. */
  readonly meta?: DatasetMeta
}

const table = (name: string, shape: readonly number[]): Value => ({
  shape,
  dtype: 'float64',
  data: Float64Array.from(hostKey(4).fold(name).normal(shape).data),
})

const dot = (a: Value, b: Value): number => {
  let sum = 0
  for (let i = 0; i < a.data.length; i++) sum += a.data[i]! * b.data[i]!
  return sum
}

/** Holds for every process: covariances that are some, a diagonal that is theirs, and the gradients that finite differences give. */
export function processSuite(name: string, { make, meta = clouds(hostKey(0)).meta }: ProcessCase): void {
  describe(`process ${name}`, () => {
    let process: Process
    let hyper: Values
    const d = (meta.shapes['x']?.shape ?? []).reduce((n, s) => n * s, 1)
    const outputs = meta.classes?.length ?? 1
    const [a, b] = [table('a', [5, d]), table('b', [3, d])]
    beforeAll(async () => {
      process = await make()
      hyper = await process.init(hostKey(0), meta)
    })

    it('starts from finite hyper-parameters, the same for the same key', async () => {
      expect(Object.values(hyper).every(isFinite)).toBe(true)
      expect(await process.init(hostKey(0), meta)).toEqual(hyper)
    })

    it('gives a mean an output, and covariances that are symmetric with non-negative forms', () => {
      expect(process.mean(hyper, a).shape).toEqual([5, outputs])
      expect(process.covariance(hyper, a, b).shape).toEqual([5, 3])
      const k = process.covariance(hyper, a, a).data
      for (let i = 0; i < 5; i++) for (let j = 0; j < i; j++) expect(k[i * 5 + j]).toBe(k[j * 5 + i])
      for (let draw = 0; draw < 20; draw++) {
        const v = table(`form ${draw}`, [5]).data
        let form = 0
        for (let i = 0; i < 5; i++) for (let j = 0; j < 5; j++) form += v[i]! * k[i * 5 + j]! * v[j]!
        expect(form).toBeGreaterThan(-1e-10)
      }
      process.variance(hyper, a).data.forEach((v: number, i: number) => expect(v).toBeCloseTo(k[i * 6]!, 10))
    })

    it('pulls derivatives back as finite differences do, for every hyper-parameter that is learnt', () => {
      const pulls = {
        mean: table('mean', [5, outputs]),
        across: table('across', [5, 3]),
        within: table('within', [5, 5]),
        own: table('own', [5]),
      }
      const value = (h: Values): number =>
        dot(process.mean(h, a), pulls.mean) +
        dot(process.covariance(h, a, b), pulls.across) +
        dot(process.covariance(h, a, a), pulls.within) +
        dot(process.variance(h, a), pulls.own)
      const found = process.gradient(hyper, {
        mean: { x: a, by: pulls.mean },
        covariance: [
          { a, b, by: pulls.across },
          { a, b: a, by: pulls.within },
        ],
        variance: { x: a, by: pulls.own },
      })
      expect(Object.keys(found).sort()).toEqual(Object.keys(hyper).sort())
      for (const [of, v] of Object.entries(hyper)) {
        // What is fixed at its first draw has no gradient.
        if (of.startsWith('fixed.')) continue
        for (let i = 0; i < v.data.length; i++) {
          const at = (h: number): number =>
            value({ ...hyper, [of]: { ...v, data: Float64Array.from(v.data, (x, k) => (k === i ? x + h : x)) } })
          expect(found[of]!.data[i], `${of} ${i}`).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 5)
        }
      }
    })
  })
}
