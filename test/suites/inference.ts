import type { Engine, Inference, Posterior, Prediction, Problem, Values } from 'ockham'
import { hostKey } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { value } from '../../plugins/parts/training/index.js'
import { bytesOf, freshRun, interpreter, smallProblem, type StartEngine } from './setting.js'

export interface InferenceCase {
  readonly make: (engine: Engine) => Inference | Promise<Inference>
  readonly problem?: (engine: Engine) => Problem | Promise<Problem>
  readonly engine?: StartEngine
}

const fields = ({ kind, ...rest }: Prediction): Values => {
  void kind
  return rest
}

/** Holds for every inference: the same seed learns the same, what is saved predicts the same, and predictions are proper. */
export function inferenceSuite(name: string, { make, problem: given, engine: start = interpreter }: InferenceCase): void {
  describe(`inference ${name}`, () => {
    let engine: Engine
    let inference: Inference
    let problem: Problem
    let posterior: Posterior
    let x: Values
    const test = (): number => problem.dataset.meta.splits['test']!
    beforeAll(async () => {
      engine = await start()
      inference = await make(engine)
      problem = (await given?.(engine)) ?? smallProblem(hostKey(0))
      posterior = await inference.infer(problem, freshRun(engine))
      const all = await problem.dataset.read(
        'test',
        value(
          Array.from({ length: test() }, (_, i) => i),
          [test()],
          'int32',
        ),
      )
      x = Object.fromEntries(Object.entries(all).filter(([field]) => field === 'x' || field.startsWith('x.')))
    })
    afterAll(() => engine.dispose())

    it('predicts a proper distribution for every row', async () => {
      const prediction = await posterior.predict(x)
      if (prediction.kind === 'normal') {
        expect(prediction.mean.shape[0]).toBe(test())
        expect(prediction.variance.data.every((v: number) => v > 0)).toBe(true)
        return
      }
      const [rows, classes] = prediction.probabilities.shape as [number, number]
      expect([rows, classes]).toEqual([test(), problem.dataset.meta.classes!.length])
      const row = (i: number): number[] => Array.from(prediction.probabilities.data.slice(i * classes, (i + 1) * classes))
      for (let i = 0; i < rows; i++) {
        expect(row(i).every((p) => p >= 0)).toBe(true)
        expect(row(i).reduce((a, b) => a + b)).toBeCloseTo(1, 5)
      }
    })

    it('learns the same from the same seed', async () => {
      const again = await inference.infer(problem, freshRun(engine))
      expect(bytesOf(again.save().values)).toEqual(bytesOf(posterior.save().values))
    })

    it('predicts the same after it was saved and restored', async () => {
      const saved = posterior.save()
      expect(JSON.parse(JSON.stringify(saved.meta))).toEqual(saved.meta)
      const restored = await inference.restore(saved, problem)
      expect(bytesOf(fields(await restored.predict(x)))).toEqual(bytesOf(fields(await posterior.predict(x))))
      expect(bytesOf(restored.save().values)).toEqual(bytesOf(saved.values))
    })

    it('averages samples, the same for the same key', async () => {
      if (!posterior.weights) return
      const sampled = (seed: number): Promise<Prediction> => posterior.predict(x, { samples: 3, key: hostKey(seed) })
      const one = await sampled(1)
      expect(bytesOf(fields(await sampled(1)))).toEqual(bytesOf(fields(one)))
      expect(one.members?.shape.slice(0, 2)).toEqual([3, test()])
    })

    it('draws weights of the shapes of its point', async () => {
      if (!posterior.weights) return
      const { params } = await posterior.weights.sample(hostKey(3))
      const shapes = (values: Values): object => Object.fromEntries(Object.entries(values).map(([n, { shape }]) => [n, shape]))
      expect(shapes(params)).toEqual(shapes(posterior.weights.point().params))
    })
  })
}
