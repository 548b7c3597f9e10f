import type { Bound, Certificate, Engine, Posterior, Problem } from 'ockham'
import { hostKey } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshRun, interpreter, smallProblem, type StartEngine } from './setting.js'

export interface BoundCase {
  readonly make: (problem: Problem) => Bound | Promise<Bound>
  readonly posterior: (problem: Problem, engine: Engine) => Posterior | Promise<Posterior>
  readonly problem?: Problem
  readonly engine?: StartEngine
  /** The observed mean that the bound lies above, from the certificate's terms. */
  readonly empirical?: (certificate: Certificate) => number
}

/** Holds for every bound: above what was observed, larger for more confidence, honest about being trivial, twice the same. */
export function boundSuite(
  name: string,
  {
    make,
    posterior,
    problem = smallProblem(hostKey(0)),
    engine: start = interpreter,
    empirical = ({ terms }) => terms['rate']!,
  }: BoundCase,
): void {
  describe(`bound ${name}`, () => {
    let engine: Engine
    beforeAll(async () => {
      engine = await start()
    })
    afterAll(() => engine.dispose())
    const certify = async (delta: number): Promise<Certificate> =>
      (await make(problem)).certify(await posterior(problem, engine), problem, freshRun(engine), delta)

    it('lies above what was observed and grows with confidence', async () => {
      const values = []
      for (const delta of [0.5, 0.1, 0.05, 0.01, 0.001]) {
        const certificate = await certify(delta)
        expect(certificate.confidence).toBeCloseTo(1 - delta, 12)
        expect(certificate.value).toBeGreaterThanOrEqual(empirical(certificate))
        values.push(certificate.value)
      }
      expect(values).toEqual([...values].sort((a, b) => a - b))
    })

    it('says what it is about, what it assumes and what it saw', async () => {
      const certificate = await certify(0.05)
      expect(certificate.vacuous).toBe(certificate.value >= certificate.trivial)
      for (const text of [certificate.bound, certificate.quantity, certificate.unit]) expect(text).not.toBe('')
      expect(certificate.assumptions.length).toBeGreaterThan(0)
      expect(certificate.digests['posterior']).toMatch(/^[0-9a-f]{64}$/)
      expect(Object.values(certificate.terms).every(Number.isFinite)).toBe(true)
      expect(JSON.parse(JSON.stringify(certificate))).toEqual(certificate)
    })

    it('certifies the same twice', async () => {
      expect(await certify(0.05)).toEqual(await certify(0.05))
    })
  })
}
