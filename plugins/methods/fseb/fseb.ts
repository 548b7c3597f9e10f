/*
 * Function-space empirical Bayes. Rudner, Kapoor, Qiu, Wilson, "Function-Space Regularization in Neural Networks:
 * A Probabilistic Perspective", ICML 2023, arXiv 2312.17162.
 */
import type { Input, Net, Prior, Resolved, Step, Tensors } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import type { z } from 'zod'
import { contextPoints, counting, inputRows, table } from '../../parts/context/index.js'
import { parametric } from '../../parts/networks/index.js'
import { asInput, copy, map, prefix, sumSquares, under, zip } from '../../parts/training/index.js'
import { functionEnergy } from './covariance.js'
import { kernelOf, strengths, type fsebOptions, type Strengths } from './options.js'

export type FsebOptions = Resolved<z.output<typeof fsebOptions>>

/** The prior, and itself at other strengths. */
export interface Fseb extends Prior {
  readonly strengths: Strengths
  at(strengths: Partial<Strengths>): Fseb
}

/** The points R of a step, as the passes over them: rows of the batch come first. */
interface Points {
  readonly inputs: readonly Input[]
  /** Outputs of a net at all of them [n, C]; the step's own where it is the step's net. */
  outputs(net: Net): Tensor
  /** 1 for rows that are points. [n, 1] */
  readonly mask: Tensor
  readonly batchRows: number
}

/** Batch norm's moments are of all rows of a pass: with `joint` there is one, otherwise batch and context have one each. */
function pointsOf({ points, bn, contextSize }: FsebOptions, { net, x, y, batch, batchRows, feed }: Step): Points {
  const inBatch = points === 'context' ? 0 : batchRows
  if (bn === 'joint' || points === 'train' || contextSize === 0) {
    const from = batchRows - inBatch
    const count = points === 'train' ? batchRows : -1
    const rows = from === 0 && count === -1 ? x : inputRows(x, from, count)
    // At other weights the pass is over the same rows as the step's own.
    const outputs = (at: Net): Tensor => table(at === net ? y : at(x)).slice([from], [count])
    const n = outputs(net).shape[0]
    return { inputs: [rows], outputs, batchRows: inBatch, mask: mask(batch.weight, inBatch, n) }
  }
  const context = asInput(feed)
  const apart = (at: Net): Net => (bn === 'frozen' ? at.with(at.vars.params, { statistics: 'running' }) : at)
  const outputs = (at: Net): Tensor => {
    const there = table(apart(at)(context))
    return inBatch === 0 ? there : tf.concat([table(at === net ? y : at(x)), there], 0)
  }
  const n = outputs(net).shape[0]
  return { inputs: inBatch === 0 ? [context] : [x, context], outputs, batchRows: inBatch, mask: mask(batch.weight, inBatch, n) }
}

const mask = (weight: Tensor, inBatch: number, rows: number): Tensor =>
  inBatch === 0 ? tf.ones([rows, 1]) : counting(weight, rows - inBatch)

/** The rows of the batch, and the `part`-th of `parts` equal shares of those after it. */
function share(t: Tensor, batchRows: number, part: number, parts: number): Tensor {
  if (parts === 1) return t
  const size = (t.shape[0] - batchRows) / parts
  const own = t.slice([batchRows + part * size], [size])
  return batchRows === 0 ? own : tf.concat([t.slice([0], [batchRows]), own], 0)
}

/** θ + ψ with normal ψ. */
const scattered = ({ net, key }: Step, std: number, sample: number): Net => {
  if (std === 0) return net
  const stream = key.fold('weights').fold(sample)
  return net.with(map(net.vars.params, (p, name) => p.add(stream.fold(name).normal(p.shape).mul(std))))
}

/** Energy Σ_k ½ f_kᵀ K⁻¹ f_k + ‖θ‖²/2v, nats; the negative log-density without log det K and constants, which have no gradient. */
export function fseb(options: FsebOptions): Fseb {
  const { context, contextSize, points, bn, phi0, priorMean, mcSamples, posteriorStd } = options
  const { covScale, covDiag, priorVar } = strengths(options)
  const kernel = kernelOf(options)
  const drawn = points !== 'train' && contextSize > 0
  const centred = priorMean === 'phi0'

  /** φ0's features [n, D] and outputs [n, C] at the points. */
  const frozen = ({ net, memory }: Step, { inputs }: Points): { features: Tensor; outputs: Tensor } => {
    const statistics = bn === 'frozen' ? 'running' : 'batch'
    const state = under('phi0-state.', memory)
    const at = net.with(under('phi0.', memory), { train: false, statistics, ...(bn === 'frozen' && { state }) })
    const joined = (of: (x: Input) => Tensor): Tensor =>
      tf.concat(
        inputs.map((x) => table(of(x))),
        0,
      )
    return { features: joined((x) => at.points(x, ['head.in'])['head.in']!), outputs: joined((x) => at(x)) }
  }

  const functionTerm = (step: Step): Scalar => {
    const at = pointsOf(options, step)
    const { features, outputs: means } = frozen(step, at)
    const terms = Array.from({ length: mcSamples }, (_, j) => {
      const part = (t: Tensor): Tensor => share(t, at.batchRows, j, points === 'train' ? 1 : mcSamples)
      const outputs = at.outputs(scattered(step, posteriorStd, j))
      const residuals = centred ? outputs.sub(means) : outputs
      return functionEnergy(step.engine, part(residuals), part(features), part(at.mask), covScale, covDiag, kernel)
    })
    return tf.addN(terms).div<Scalar>(mcSamples)
  }

  const parameterTerm = ({ net, memory }: Step): Scalar => {
    const { params } = net.vars
    const offset: Tensors = centred ? zip(params, under('phi0.', memory), (p, start) => p.sub(start)) : params
    return sumSquares(offset).div<Scalar>(2 * priorVar)
  }

  return {
    strengths: { covScale, covDiag, priorVar },
    at: (changed) => fseb({ ...options, parametrisation: undefined, covScale, covDiag, priorVar, ...changed }),

    // φ0 is where training starts: a copy, since the start itself goes on to be trained.
    async init(problem, vars, key) {
      const from = phi0 === 'start' ? vars : await parametric(problem.model).init(key.fold('phi0'), problem.dataset.meta)
      return { ...prefix('phi0.', copy(from.params)), ...(bn === 'frozen' && prefix('phi0-state.', copy(from.state))) }
    },

    energy(step): Scalar {
      const parameters = parameterTerm(step)
      return points === 'context' && !drawn ? parameters : functionTerm(step).add<Scalar>(parameters)
    },

    ...(drawn && contextPoints(context!, contextSize * mcSamples)),
    ...(drawn && bn === 'joint' && { rows: asInput }),
  }
}
