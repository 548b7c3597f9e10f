/* A problem whose network gives prescribed outputs and features, so that the energy can be checked by hand. */
import type { Dataset, Engine, Key, Problem, Tensors, Value, Values } from 'ockham'
import { hostKey } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { crossEntropy } from '../../parts/objectives/index.js'
import { jointPass, value, weightedMean } from '../../parts/training/index.js'
import { inMemory } from '../../parts/training/testing.js'
import { fseb, type FsebOptions } from './fseb.js'
import { fsebOptions } from './options.js'

/** Context points that are all read at every step, whichever rows are asked for. */
export const fixed = (x: Value): Dataset => {
  const dataset = inMemory({ train: { x } })
  return { ...dataset, read: () => ({ x }) }
}

export const options = (given: Partial<FsebOptions> & { context: Dataset }): FsebOptions => {
  const { context, parametrisation } = given
  const strengths = parametrisation ? {} : { covScale: 0.5, covDiag: 2, priorVar: 0.1 }
  return fsebOptions.parse({ contextSize: context.meta.splits['train']!, ...strengths, ...given }) as FsebOptions
}

/** Rows [f | h]: outputs and features of a point. */
export const rows = (f: readonly (readonly number[])[], h: readonly (readonly number[])[]): Value =>
  value(
    f.flatMap((outputs, i) => [...outputs, ...h[i]!]),
    [f.length, f[0]!.length + h[0]!.length],
  )

/** Mean loss and energy of one step at parameters θ = [2], ‖θ‖² = 4, on a batch and context of prescribed rows. */
export async function stepOf(
  engine: Engine,
  given: FsebOptions,
  batch: Value,
  labels: readonly number[],
  weight: readonly number[],
  outputs = 2,
) {
  const n = batch.shape[0]!
  const problem: Problem = {
    model: {
      init: () => ({ params: {}, frozen: {}, state: {} }),
      apply(_, x, call) {
        call.at('head.in', (x as Tensor).slice([0, outputs]))
        return (x as Tensor).slice([0, 0], [-1, outputs])
      },
    },
    dataset: inMemory(
      { train: { x: batch, y: value(labels, [n], 'int32') } },
      { classes: Array.from({ length: outputs }, (_, c) => `class ${c}`) },
    ),
    objective: crossEntropy(),
    prior: fseb(given),
    examples: 100,
  }
  const feed: Values = (await problem.prior.feed?.(0, hostKey(0), problem)) ?? {}
  const program = engine.compile(
    (a: { params: Tensors; batch: { x: Tensor; y: Tensor; weight: Tensor; index: Tensor }; feed: Tensors; key: Key; progress: Tensor }) => {
      const pass = jointPass(problem, {
        vars: { params: a.params, frozen: {}, state: {} },
        batch: a.batch,
        memory: { objective: {}, prior: {} },
        feed: { objective: {}, prior: a.feed },
        key: a.key,
        engine,
        progress: a.progress as never,
      })
      return { loss: weightedMean(pass.loss, pass.weight), energy: pass.energy }
    },
  )
  const index = value(
    labels.map((_, i) => i),
    [n],
    'int32',
  )
  const out = await program({
    params: { theta: value([2]) },
    batch: { x: batch, y: value(labels, [n], 'int32'), weight: value(weight), index },
    feed,
    key: hostKey(0),
    progress: value([0], []),
  })
  const [loss, energy] = [out.loss.data[0]!, out.energy.data[0]!]
  return { loss, energy, total: loss + energy / 100 }
}
