import { hostKey, type Batch, type Component, type Engine, type Objective, type Step, type Value } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { beforeAll, describe, expect, it } from 'vitest'
import { engines, inMemory } from '../training/testing.js'
import { value, zeros } from '../training/trees.js'
import plugin, { crossEntropy, gaussian } from './index.js'

describe.each(Object.entries(engines))('objectives on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  const lossOf = (objective: Objective, y: Value, target: Value): Promise<Value> =>
    engine
      .compile((a: { y: Tensor; target: Tensor }) => ({ loss: objective.loss(a.y, { y: a.target } as Batch, {} as Step).loss }))({
        y,
        target,
      })
      .then(({ loss }) => loss)
  const rootSquared = async (objective: Objective, y: Value): Promise<Value> => {
    const { hessian } = await engine.compile((a: { y: Tensor }) => {
      const s = objective.root!(a.y)
      return { hessian: s.matMul(s, false, true) }
    })({ y })
    return hessian
  }

  it('cross-entropy is −log of the softmax probability of the label', async () => {
    const logits = value([0, Math.log(2), Math.log(5), 1, 1, 1], [2, 3])
    const loss = await lossOf(crossEntropy(), logits, value([1, 0], [2], 'int32'))
    expect(loss.shape).toEqual([2])
    expect(loss.data[0]).toBeCloseTo(Math.log(4), 6)
    expect(loss.data[1]).toBeCloseTo(Math.log(3), 6)
  })

  it('cross-entropy of smoothed labels: the rest is spread over all classes', async () => {
    const smoothed = crossEntropy({ smoothing: 0.3 })
    const loss = await lossOf(smoothed, value([0, Math.log(2), Math.log(5)], [1, 3]), value([1], [1], 'int32'))
    const logs = [1, 2, 5].map((v) => Math.log(v / 8))
    expect(loss.data[0]).toBeCloseTo(-0.7 * logs[1]! - 0.1 * (logs[0]! + logs[1]! + logs[2]!), 6)
    expect(smoothed.root).toBeUndefined()
    expect(crossEntropy({ smoothing: 0 }).root).toBeDefined()
  })

  it('cross-entropy stays finite where the probability of the label underflows', async () => {
    const loss = await lossOf(crossEntropy(), value([-500, 500], [1, 2]), value([0], [1], 'int32'))
    expect(loss.data[0]).toBeCloseTo(1000, 2)
  })

  it('the root of cross-entropy squares to diag(p) − p pᵀ', async () => {
    const p = [0.2, 0.5, 0.3]
    const hessian = await rootSquared(crossEntropy(), value(p.map(Math.log), [1, 3]))
    const expected = p.flatMap((a, i) => p.map((b, j) => (i === j ? a : 0) - a * b))
    expect(Array.from(hessian.data)).toEqual(expected.map((h) => expect.closeTo(h, 6)))
  })

  it('cross-entropy predicts softmax probabilities', async () => {
    const { p } = await engine.compile((a: { y: Tensor }) => ({ p: crossEntropy().predict(a.y) }))({ y: value([0, Math.log(3)], [1, 2]) })
    expect(p.kind).toBe('categorical')
    expect(Array.from((p as { probabilities: Value }).probabilities.data)).toEqual([expect.closeTo(0.25, 6), expect.closeTo(0.75, 6)])
  })

  it('gaussian is the negative log-density of independent normals', async () => {
    const y = value([1, 2, 0, -1], [2, 2])
    const target = value([1.5, 2, 0, 1], [2, 2])
    const loss = await lossOf(gaussian({ noise: 0.5 }), y, target)
    const constant = Math.log(2 * Math.PI * 0.25)
    expect(Array.from(loss.data)).toEqual([
      expect.closeTo(0.5 * (0.25 / 0.25) + constant, 5),
      expect.closeTo(0.5 * (4 / 0.25) + constant, 5),
    ])
  })

  it('gaussian takes targets without an axis for outputs', async () => {
    const loss = await lossOf(gaussian({ noise: 1 }), value([1, 2], [2, 1]), value([1, 4]))
    const constant = 0.5 * Math.log(2 * Math.PI)
    expect(Array.from(loss.data)).toEqual([expect.closeTo(constant, 5), expect.closeTo(2 + constant, 5)])
  })

  it('gaussian refuses outputs and targets of different widths rather than broadcast', async () => {
    await expect(lossOf(gaussian({ noise: 1 }), zeros([2, 10]), value([1, 4], [2, 1]))).rejects.toThrow(
      /OCK-OBJECTIVE-002.*10 outputs.*1 targets/s,
    )
    await expect(lossOf(gaussian({ noise: 1 }), zeros([2, 1]), zeros([2, 3]))).rejects.toThrow(/OCK-OBJECTIVE-002/)
  })

  it('the root of gaussian squares to I/σ²', async () => {
    const hessian = await rootSquared(gaussian({ noise: 0.5 }), value([7, 8, 9, 1], [2, 2]))
    expect(hessian.shape).toEqual([2, 2, 2])
    expect(Array.from(hessian.data)).toEqual([4, 0, 0, 4, 4, 0, 0, 4])
  })
})

it('cross-entropy says that it needs classes', () => {
  const dataset = inMemory({ train: { x: zeros([2, 1]), y: zeros([2]) } })
  const problem = { dataset } as Parameters<NonNullable<Objective['init']>>[0]
  expect(() => crossEntropy().init!(problem, { params: {}, frozen: {}, state: {} }, hostKey(0))).toThrow(/OCK-OBJECTIVE-001.*regression/s)
})

it('each objective says which datasets it is for', () => {
  expect(
    (plugin.provides as unknown as Component<'objective'>[]).map(({ name, requires }) => [
      name,
      (requires as Record<string, unknown>)['dataset'],
    ]),
  ).toEqual([
    ['cross-entropy', ['classification']],
    ['gaussian', ['regression']],
  ])
})
