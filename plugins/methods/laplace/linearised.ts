import {
  hostKey,
  type Engine,
  type HostKey,
  type Key,
  type Prediction,
  type Problem,
  type Tensors,
  type Value,
  type Values,
  type Variables,
} from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { categoricalOf, sampled, type Link } from '../../parts/bayes/index.js'
import { layerPass, pullEach, unitColumns } from '../../parts/curvature/index.js'
import { outputSize, parametric } from '../../parts/networks/index.js'
import { asInput, concatRows, flatten, map, rowsOf, unflatten, value } from '../../parts/training/index.js'
import type { Coordinates } from './coordinates.js'
import type { Structure, StructureName } from './structure.js'

/** What a prediction is made from, beside the inputs. */
export interface At {
  readonly vars: Variables<Value>
  readonly factors: Values
  /** (σ/σ₀)², by which the objective's noise is multiplied. */
  readonly noise: number
}

export interface Linearised {
  predict(at: At, x: Values, link: Link, draws?: { readonly count: number; readonly key: HostKey }): Promise<Prediction>
  /** Mean [n, C] and covariance [n, C, C] of the outputs themselves. */
  latent(at: At, x: Values): Promise<{ mean: Value; covariance: Value }>
}

interface Given {
  vars: Tensors
  factors: Tensors
  x: Tensors
  key: Key
}

/** Of the draws that nobody asked for: the same every time, so that a prediction does not depend on who asked first. */
const still = hostKey(0).fold('laplace')

/** [n, S, C] → [S, n, C]. */
function membersFirst({ shape, data }: Value): Value {
  const [n, s, c] = shape as [number, number, number]
  const out = new Float32Array(data.length)
  for (let i = 0; i < n; i++) for (let k = 0; k < s; k++) for (let j = 0; j < c; j++) out[(k * n + i) * c + j] = data[(i * s + k) * c + j]!
  return { shape: [s, n, c], dtype: 'float32', data: out }
}

/** Rows of a pass: what it holds an example, in all layers, stays below some 64 MB. */
function rowsAPass({ layers, size, blocks }: Coordinates, structure: StructureName, outputs: number): number {
  const whole = structure === 'kfac' || structure === 'diagonal'
  const wide = blocks.map(({ layer, part, size: n }) => (part === 'kernel' && layer.out.length > 1 ? n : layer.outputs))
  const held = whole ? Math.max(...wide) : layers.length > 0 ? size : 1
  return Math.max(1, Math.min(256, Math.floor(2 ** 24 / (outputs * held))))
}

/** The network to first order at its weights: outputs f + J (θ − θ*), normal with covariance J Σ Jᵀ (Immer, Korzepa and Bauer 2021). */
export function linearised(problem: Problem, engine: Engine, at: Coordinates, structure: Structure, name: StructureName): Linearised {
  const model = parametric(problem.model)
  const outputs = at.layers.length > 0 ? outputSize(problem.dataset.meta) : 1
  const rows = rowsAPass(at, name, outputs)
  const moments = ({ vars, factors, x, key }: Given) => {
    const pass = layerPass(engine, model, unflatten(vars), asInput(x), key, at.layers)
    const [n, c] = pass.y.shape as [number, number]
    const covariance = structure.covariance(pass, pullEach(pass, unitColumns(n, c), at.layers), factors)
    return { pass, covariance }
  }
  const predictive = engine.compile((a: Given & { noise: Tensor; inflate: Tensor; link: Link; keeps: boolean }) => {
    const { pass, covariance } = moments(a)
    const predicted = problem.objective.predict(pass.raw)
    const byRow = (members: Tensor): Tensor => members.transpose([1, 0, 2])
    if (predicted.kind === 'categorical') {
      const { probabilities, members } = categoricalOf(pass.y, covariance, a.keeps ? 'monte-carlo' : a.link, a.noise)
      return { probabilities, ...(a.keeps && members && { members: byRow(members) }) }
    }
    const noise = (predicted.noise ?? predicted.variance).reshape(pass.y.shape).mul(a.inflate)
    const spread = covariance.mul(tf.eye(pass.y.shape[1]!)).sum(2)
    return {
      mean: pass.y,
      variance: spread.add(noise),
      noise,
      ...(a.keeps && { members: byRow(sampled(pass.y, covariance, a.noise)) }),
    }
  })
  const bare = engine.compile((a: Given) => {
    const { pass, covariance } = moments(a)
    return { mean: pass.y, covariance }
  })
  const inPasses = async (x: Values, f: (x: Values) => Promise<Values>): Promise<Record<string, Value>> => {
    const count = Object.values(x)[0]?.shape[0] ?? 0
    const parts: Values[] = []
    for (let start = 0; start < count; start += rows) {
      const part = await f(map(x, (v) => rowsOf(v, start, rows)))
      parts.push(map(part, (v) => rowsOf(v, 0, Math.min(rows, count - start))))
    }
    return map(parts[0]!, (_, field) => concatRows(parts.map((p) => p[field]!)))
  }
  return {
    async predict({ vars, factors, noise }, x, link, draws) {
      const weights = flatten(vars)
      const { key, count } = draws ?? { key: still, count: 1 }
      const drawn = key.fold('outputs').normal([count, outputs])
      const fields = await inPasses(x, (part) =>
        predictive({
          vars: weights,
          factors,
          x: part,
          key: still,
          noise: drawn,
          inflate: value([noise], []),
          link,
          keeps: draws !== undefined,
        }),
      )
      const { members, ...rest } = fields
      const kind = rest['probabilities'] ? 'categorical' : 'normal'
      return { kind, ...rest, ...(members && { members: membersFirst(members) }) } as unknown as Prediction
    },
    latent: async ({ vars, factors }, x) =>
      (await inPasses(x, (part) => bare({ vars: flatten(vars), factors, x: part, key: still }))) as {
        mean: Value
        covariance: Value
      },
  }
}
