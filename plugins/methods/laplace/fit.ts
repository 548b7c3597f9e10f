import type { Problem, Run, Value, Values, Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { layerPass, pullColumns, pullEach, stackEach } from '../../parts/curvature/index.js'
import { parametric } from '../../parts/networks/index.js'
import { asBatch, prefix, under, zeros } from '../../parts/training/index.js'
import type { Coordinates } from './coordinates.js'
import { cotangents, type CurvatureName } from './cotangents.js'
import { dataOf } from './data.js'
import { closeDiagonal, diagonal, diagonalSums } from './diagonal.js'
import { closeFull, full, fullSums, rowsOf, whitening } from './full.js'
import { kronecker } from './kronecker.js'
import { kroneckerCurvature } from './kronecker-curvature.js'
import { kroneckerSums } from './kronecker-sums.js'
import { krylov } from './krylov.js'
import { lowRank, lowRankCurvature } from './low-rank.js'
import type { KroneckerOptions } from './pairs.js'
import type { Curvature, Structure, StructureName, Sums } from './structure.js'

export interface FitOptions extends KroneckerOptions {
  readonly structure: StructureName
  readonly curvature: CurvatureName
  readonly samples: number
  readonly size: number
  readonly rank: number
  readonly points: number
}

/** The curvature of the training data, and what the evidence needs beside it. */
export interface Fit {
  readonly curvature: Curvature
  /** Σ w ℓ, nats. */
  readonly loss: number
  /** Σ w. */
  readonly count: number
}

export const structureOf = (at: Coordinates, options: Pick<FitOptions, 'structure' | 'bias' | 'places' | 'directions'>): Structure => {
  if (options.structure === 'kfac') return kronecker(at, options)
  if (options.structure === 'diagonal') return diagonal(at)
  return options.structure === 'full' ? full(at) : lowRank(at)
}

const sumsOf = (at: Coordinates, options: FitOptions): Sums => {
  if (options.structure === 'kfac') return kroneckerSums(at, options)
  return options.structure === 'diagonal' ? diagonalSums(at) : fullSums(at)
}

const close = (at: Coordinates, options: FitOptions, sums: Values): Curvature => {
  if (options.structure === 'kfac') return kroneckerCurvature(at, options, sums)
  return options.structure === 'diagonal' ? closeDiagonal(at, sums) : closeFull(at, sums)
}

/** One pass over the training data, in evaluation mode: a fold, so that it is resumed. */
export async function fit(
  problem: Problem,
  run: Run,
  vars: Variables<Value>,
  at: Coordinates,
  options: FitOptions,
  name = 'curvature',
): Promise<Fit> {
  if (options.structure === 'functional') return functional(problem, run, vars, at, options)
  const data = await dataOf(problem, vars, run.key.fold('objective'), options.size)
  if (options.structure === 'low-rank') return krylov(problem, run, vars, at, data, options.rank)
  const model = parametric(problem.model)
  const sums = sumsOf(at, options)
  const end = await run.fold(name, {
    carry: { ...prefix('sums.', sums.carry), loss: zeros([]), count: zeros([]) },
    steps: data.steps,
    feed: data.feed,
    report: [],
    step(carry, feed, { key, engine }) {
      const batch = asBatch(feed)
      const pass = layerPass(engine, model, engine.capture(vars), batch.x, key.fold('net'), at.layers)
      const loss = (y: Tensor): Tensor => data.loss(y, batch, engine, key)
      const u = cotangents(options.curvature, options.samples, problem.objective, {
        y: pass.raw,
        batch,
        engine,
        key: key.fold('labels'),
        loss,
      })
      const columns = pullColumns(pass, u.mul(batch.weight.sqrt().reshape([-1, 1, 1])))
      // What nobody reads of the two is not computed.
      const pulled = stackEach(columns, at.layers)
      return {
        carry: {
          ...prefix('sums.', sums.add(under('sums.', carry), { pass, pulled, columns, weight: batch.weight })),
          loss: carry['loss']!.add(loss(pass.raw).mul(batch.weight).sum()),
          count: carry['count']!.add(batch.weight.sum()),
        },
      }
    },
  })
  return { curvature: close(at, options, under('sums.', end)), loss: end['loss']!.data[0]!, count: end['count']!.data[0]! }
}

/**
 * Function space: the Gaussian process with kernel J diag(1/δ) Jᵀ (Khan et al. 2019), kept by the Jacobians of data points. With all points it
 * is the full posterior; with m of them each stands for N/m.
 */
async function functional(problem: Problem, run: Run, vars: Variables<Value>, at: Coordinates, options: FitOptions): Promise<Fit> {
  const data = await dataOf(problem, vars, run.key.fold('objective'), options.size)
  const model = parametric(problem.model)
  const { objective, dataset } = problem
  const total = dataset.meta.splits['train'] ?? 0
  const points = Math.min(options.points, total)
  const order = run.key.fold('points').permutation(total).data
  const drawn = points < total ? new Set(order.slice(0, points)) : undefined
  const outputs = { rows: [] as Float32Array[] }
  const end = await run.fold('functional', {
    carry: { loss: zeros([]), count: zeros([]) },
    steps: data.steps,
    report: [],
    async feed(step, key) {
      const feed = await data.feed(step, key)
      const { data: weight } = feed['weight']!
      const kept = Float32Array.from(feed['index']!.data, (row, i) => (!drawn || drawn.has(row) ? weight[i]! : 0))
      return { ...feed, kept: { shape: [kept.length], dtype: 'float32', data: kept } }
    },
    step(carry, feed, { key, engine }) {
      const batch = asBatch(feed)
      const pass = layerPass(engine, model, engine.capture(vars), batch.x, key.fold('net'), at.layers)
      const root = objective.root!(pass.raw).mul(
        feed['kept']!.mul(total / points)
          .sqrt()
          .reshape([-1, 1, 1]),
      )
      const rows = rowsOf(at, pass, pullEach(pass, root, at.layers)).mul(tf.tensor1d(whitening(at)))
      const loss = data.loss(pass.raw, batch, engine, key).mul(batch.weight).sum()
      return {
        carry: { loss: carry['loss']!.add(loss), count: carry['count']!.add(batch.weight.sum()) },
        out: { rows: rows.reshape([-1, at.size]) },
      }
    },
    absorb: (_, { rows }) => void outputs.rows.push(...nonZero(rows!)),
    host: {
      save: () => ({ rows: stacked(outputs.rows, at.size) }),
      load: ({ rows }) => void (outputs.rows = nonZero(rows!)),
    },
  })
  const rows = Float64Array.from(stacked(outputs.rows, at.size).data)
  return { curvature: lowRankCurvature(at, rows), loss: end['loss']!.data[0]!, count: end['count']!.data[0]! }
}

/** Rows of a table that hold anything: what pads a batch, or was not drawn, holds zeros. */
function nonZero({ shape, data }: Value): Float32Array[] {
  const width = shape[1]!
  const rows = Array.from({ length: shape[0]! }, (_, i) => Float32Array.from(data.subarray(i * width, (i + 1) * width)))
  return rows.filter((row) => row.some((v) => v !== 0))
}

function stacked(rows: readonly Float32Array[], width: number): Value {
  const data = new Float32Array(rows.length * width)
  rows.forEach((row, i) => data.set(row, i * width))
  return { shape: [rows.length, width], dtype: 'float32', data }
}
