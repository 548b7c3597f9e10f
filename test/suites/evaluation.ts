import type { Engine, Evaluation, Posterior, Problem, Report } from 'ockham'
import { hostKey } from 'ockham'
import { compile, type TopLevelSpec } from 'vega-lite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshRun, interpreter, smallProblem, type StartEngine } from './setting.js'

export interface EvaluationCase {
  readonly make: (problem: Problem) => Evaluation | Promise<Evaluation>
  readonly posterior: (problem: Problem, engine: Engine) => Posterior | Promise<Posterior>
  readonly problem?: Problem
  readonly engine?: StartEngine
}

/** Holds for every evaluation: named finite numbers, plain tables, pictures with their data inside; twice the same. */
export function evaluationSuite(
  name: string,
  { make, posterior, problem = smallProblem(hostKey(0)), engine: start = interpreter }: EvaluationCase,
): void {
  describe(`evaluation ${name}`, () => {
    let engine: Engine
    let report: Report
    const evaluate = async (): Promise<Report> =>
      (await make(problem)).evaluate(await posterior(problem, engine), problem, freshRun(engine))
    beforeAll(async () => {
      engine = await start()
      report = await evaluate()
    })
    afterAll(() => engine.dispose())

    it('names finite numbers <split>/<metric>', () => {
      expect(Object.keys(report.values).length).toBeGreaterThan(0)
      for (const [metric, number] of Object.entries(report.values)) {
        expect(metric).toMatch(/^[a-z][\w-]*\/[a-z][\w@.-]*$/i)
        expect(Number.isFinite(number), metric).toBe(true)
      }
    })

    it('gives tables and figures that are plain data', () => {
      const { tables = {}, figures = {} } = report
      expect(JSON.parse(JSON.stringify({ tables, figures }))).toEqual({ tables, figures })
      for (const [figure, spec] of Object.entries(figures)) {
        const warnings: string[] = []
        const logger = { level: () => logger, error: say, warn: say, info: () => logger, debug: () => logger }
        function say(...text: readonly unknown[]): typeof logger {
          warnings.push(text.join(' '))
          return logger
        }
        compile(spec as unknown as TopLevelSpec, { logger })
        expect(warnings, figure).toEqual([])
        expect(JSON.stringify(spec), figure).not.toMatch(/"url":/)
      }
    })

    it('finds the same twice', async () => {
      expect(await evaluate()).toEqual(report)
    })
  })
}
