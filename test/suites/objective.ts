import type { Engine, Objective, Problem, Step, Tensors, Value } from 'ockham'
import { hostKey } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesOf, interpreter, isFinite, smallProblem, type StartEngine } from './setting.js'

export interface ObjectiveCase {
  readonly make: () => Objective | Promise<Objective>
  /** Outputs of a model, [n, C], or [n, t, C] where it predicts at each place. */
  readonly y: Value
  /** Labels int32 [n] or targets float32 [n, D]. */
  readonly labels: Value
  readonly problem?: Problem
  readonly engine?: StartEngine
}

/** Holds for every objective: a finite loss a row, a proper prediction, and a root whose square is the Hessian. */
export function objectiveSuite(
  name: string,
  { make, y, labels, problem = smallProblem(hostKey(0)), engine: start = interpreter }: ObjectiveCase,
): void {
  describe(`objective ${name}`, () => {
    let engine: Engine
    let objective: Objective
    const [rows, columns] = [y.shape[0]!, y.shape.at(-1)!]
    beforeAll(async () => {
      engine = await start()
      objective = await make()
    })
    afterAll(() => engine.dispose())

    /** Loss [n] and its gradient in the outputs [n, C]. */
    const losses = async (outputs: Value): Promise<{ loss: Value; gradient: Value }> => {
      const memory = (await objective.init?.(problem, { params: {}, frozen: {}, state: {} }, hostKey(1))) ?? {}
      const program = engine.compile((a: { y: Tensor; labels: Tensor; memory: Tensors }) => {
        const batch = { x: a.y, y: a.labels, weight: tf.ones([rows]), index: tf.range(0, rows, 1, 'int32') }
        // Objectives look at memory, examples and the batch; the net is a prior's.
        const step = { engine, batch, x: a.y, y: a.y, batchRows: rows, memory: a.memory, feed: {}, examples: rows } as unknown as Step
        const loss = (p: Tensors): Tensor => objective.loss(p['y']!, batch, step).loss
        const { grads } = engine.valueAndGrad((p) => ({ value: loss(p).sum(), aux: null }), { y: a.y })
        return { loss: loss({ y: a.y }), gradient: grads['y']! }
      })
      const result = await program({ y: outputs, labels, memory })
      program.dispose()
      return result
    }

    it('has a finite loss for every row', async () => {
      const { loss, gradient } = await losses(y)
      expect(loss.shape).toEqual([rows])
      expect(isFinite(loss) && isFinite(gradient)).toBe(true)
      expect(bytesOf(await losses(y).then((again) => ({ loss: again.loss })))).toEqual(bytesOf({ loss }))
    })

    it('predicts a proper distribution', async () => {
      const program = engine.compile((a: { y: Tensor }) => objective.predict(a.y))
      const prediction = await program({ y })
      program.dispose()
      if (prediction.kind === 'categorical') {
        expect(prediction.probabilities.shape).toEqual([rows, columns])
        for (let i = 0; i < rows; i++) {
          const row = Array.from(prediction.probabilities.data.slice(i * columns, (i + 1) * columns))
          expect(row.every((p) => p >= 0)).toBe(true)
          expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5)
        }
      } else {
        expect(prediction.mean.shape[0]).toBe(rows)
        expect(prediction.variance.data.every((v: number) => v > 0)).toBe(true)
      }
    })

    it('has a root whose square is the Hessian of the loss, where it is a log-likelihood', async () => {
      const { root } = objective
      if (!root) return
      const program = engine.compile((a: { y: Tensor }) => {
        const s = root(a.y)
        return { hessian: s.matMul(s, false, true) }
      })
      const { hessian } = await program({ y })
      program.dispose()
      expect(hessian.shape).toEqual([rows, columns, columns])
      const h = 1e-2
      for (let c = 0; c < columns; c++) {
        const moved = (by: number): Value => ({ ...y, data: Float32Array.from(y.data, (v, i) => (i % columns === c ? v + by : v)) })
        const [up, down] = [await losses(moved(h)), await losses(moved(-h))]
        for (let i = 0; i < rows * columns; i++) {
          const difference = (up.gradient.data[i]! - down.gradient.data[i]!) / (2 * h)
          const row = Math.floor(i / columns)
          expect(hessian.data[row * columns * columns + (i % columns) * columns + c]!).toBeCloseTo(difference, 2)
        }
      }
    })
  })
}
