import type { Fold, Problem, Run, Tensors, Value, Variables } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { gaussNewton } from '../../parts/derivatives/index.js'
import { eigenTridiagonal } from '../../parts/linalg/index.js'
import { bind, parametric } from '../../parts/networks/index.js'
import { asBatch, value, zeros } from '../../parts/training/index.js'
import type { Coordinates } from './coordinates.js'
import type { Data } from './data.js'
import { lowRankCurvature } from './low-rank.js'
import { whitening } from './full.js'
import type { Curvature } from './structure.js'

/** A vector [P] as parameters of the shapes of `like`, zero where nothing is uncertain. */
function spread({ blocks, chosen, size }: Coordinates, v: Tensor, like: Tensors): Tensors {
  const total = blocks.reduce((n, b) => n + b.size, 0)
  const all = chosen ? tf.scatterND(tf.tensor2d(Array.from(chosen), [size, 1], 'int32'), v, [total]) : v
  return Object.fromEntries(blocks.map((b) => [b.param, all.slice([b.at], [b.size]).reshape(like[b.param]!.shape)]))
}

/** Parameters end to end as a vector [P]. */
function joined({ blocks, chosen }: Coordinates, values: Tensors): Tensor {
  const all = tf.concat(blocks.map((b) => values[b.param]!.flatten()))
  return chosen ? tf.gather(all, tf.tensor1d(Array.from(chosen), 'int32')) : all
}

/**
 * The largest directions of curvature by Lanczos' recurrence: `rank` products with the generalised Gauss–Newton matrix, each a pass over the
 * data. One fold, so that a kill costs no more than a checkpoint; new vectors are made orthogonal to all before, twice.
 */
export async function krylov(
  problem: Problem,
  run: Run,
  vars: Variables<Value>,
  at: Coordinates,
  data: Data,
  rank: number,
): Promise<{ readonly curvature: Curvature; readonly loss: number; readonly count: number }> {
  const { size } = at
  const k = Math.min(rank, size)
  const passes = data.steps
  const first = run.key.fold('krylov').normal([size]).data
  const norm = Math.sqrt(Array.from(first).reduce((sum, x) => sum + x * x, 0))
  const model = parametric(problem.model)
  const step: Fold['step'] = (carry, feed, { key, step: number, engine }) => {
    const batch = asBatch(feed)
    const scale = tf.tensor1d(whitening(at))
    const all = engine.capture(vars) as Variables
    const uncertain = Object.fromEntries(at.blocks.map((b) => [b.param, all.params[b.param]!]))
    const direction = spread(at, carry['v']!.mul(scale), all.params)
    let y: Tensor | undefined
    const fn = (p: Tensors): Tensor => (y = bind(model, { ...all, params: { ...all.params, ...p } }, key, false)(batch.x))
    const roots = (out: Tensor): Tensor => problem.objective.root!(out).mul(batch.weight.sqrt().reshape([-1, 1, 1]))
    const hessian = (out: Tensor, dy: Tensor): Tensor => {
      const s = roots(out)
      const [n, c] = s.shape as [number, number]
      return tf.matMul(s, tf.matMul(s, dy.reshape([n, c, 1]), true, false)).reshape(dy.shape)
    }
    const pushed = joined(at, gaussNewton(engine, fn, hessian, uncertain, direction)).mul(scale)
    const loss = data.loss(y!, batch, engine, key).mul(batch.weight).sum()
    const sum = carry['sum']!.add(pushed)
    const place = number.mod(passes)
    const last = place.equal(passes - 1).cast<Scalar>('float32')
    const j = number.div<Scalar>(passes).floor()
    const row = tf.range(0, k).equal(j).cast('float32').reshape([k, 1])
    const basis = carry['basis']!.add(tf.matMul(row, carry['v']!.reshape([1, size])).mul(last))
    const across = (w: Tensor): Tensor => {
      const along = tf.matMul(basis, w.reshape([size, 1]))
      return w.sub(tf.matMul(basis, along, true, false).reshape([size]))
    }
    const alpha = sum.mul(carry['v']!).sum()
    const next = across(across(sum))
    const beta = next.square().sum().sqrt()
    // An exhausted space leaves rounding, which is made a direction of its own.
    const unit = across(next.div(beta.maximum(1e-30)))
    const fresh = unit.div(unit.square().sum().sqrt().maximum(1e-30))
    const flag = row.reshape([k]).mul(last)
    return {
      carry: {
        v: carry['v']!.mul(tf.scalar(1).sub(last)).add(fresh.mul(last)),
        sum: sum.mul(tf.scalar(1).sub(last)),
        basis,
        diagonal: carry['diagonal']!.add(flag.mul(alpha)),
        beside: carry['beside']!.add(flag.mul(beta)),
        loss: carry['loss']!.add(loss),
        count: carry['count']!.add(batch.weight.sum()),
      },
    }
  }
  const end = await run.fold('krylov', {
    carry: {
      v: value(Float32Array.from(first, (x) => x / norm)),
      sum: zeros([size]),
      basis: zeros([k, size]),
      diagonal: zeros([k]),
      beside: zeros([k]),
      loss: zeros([]),
      count: zeros([]),
    },
    steps: k * passes,
    feed: data.feed,
    step,
  })
  const { values, vectors } = eigenTridiagonal({
    diagonal: Float64Array.from(end['diagonal']!.data),
    beside: Float64Array.from(end['beside']!.data.slice(0, k - 1)),
  })
  const basis = end['basis']!.data
  const rows = new Float64Array(k * size)
  for (let j = 0; j < k; j++) {
    const root = Math.sqrt(Math.max(0, values.data[j]!))
    for (let i = 0; i < k; i++) {
      const weight = root * vectors.data[i * k + j]!
      for (let p = 0; p < size; p++) rows[j * size + p]! += weight * basis[i * size + p]!
    }
  }
  return { curvature: lowRankCurvature(at, rows), loss: end['loss']!.data[0]! / k, count: end['count']!.data[0]! / k }
}
