import type { Call, Value, Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { byHand } from './by-hand.js'
import { variable } from './dense.js'

/** Share of the running statistics that a step replaces, and what is added to variances. */
const momentum = 0.1
const epsilon = 1e-5

const channels = (x: Tensor): number => x.shape.at(-1)!
const flat = (x: Tensor): Tensor => x.reshape([-1, channels(x)])

/** What counts of x [n, …, c]: every row, or a 0 or 1 for each [n]. */
interface Counted {
  /** Numbers a channel that count, at least 1. */
  readonly size: Tensor
  /** Σ by channel over what counts. */
  sum(x: Tensor): Tensor
  /** x, and 0 in rows that do not count. */
  only(x: Tensor): Tensor
}

function counted(like: Tensor, rows?: Tensor): Counted {
  if (!rows) return { size: tf.scalar(like.size / channels(like)), sum: (x) => flat(x).sum(0), only: (x) => x }
  const n = like.shape[0]
  const places = like.size / n / channels(like)
  const each = tf.tile(rows.reshape([n, 1]), [1, places]).reshape([1, n * places])
  return {
    size: rows.sum().mul(places).maximum(1),
    sum: (x) => tf.matMul(each, flat(x)).reshape([channels(x)]),
    only: (x) => x.mul(rows.reshape([n, ...Array<number>(x.rank - 1).fill(1)])),
  }
}

interface Moments {
  readonly centred: Tensor
  readonly mean: Tensor
  readonly variance: Tensor
}

function momentsOf(x: Tensor, { size, sum }: Counted): Moments {
  const mean = sum(x).div(size)
  const centred = x.sub(mean)
  return { centred, mean, variance: sum(centred.square()).div(size) }
}

/**
 * γ (x − μ) / √(σ² + ε) + β with the moments of the rows that count. Its gradient is written out: with x̂ the normalised input, N numbers that
 * count and r = 1 in their rows, γ/σ (dy − r/N (Σ dy + x̂ Σ dy x̂)). The moments in it are the forward pass's, found again by the engine.
 */
function normalised(x: Tensor, gamma: Tensor, beta: Tensor, rows?: Tensor): Tensor {
  const apply = byHand(
    (input, scale, shift, ...masks) => {
      const { centred, variance } = momentsOf(input, counted(input, masks[0]))
      return centred.mul(variance.add(epsilon).rsqrt().mul(scale)).add(shift)
    },
    (dy, input, scale, _, ...masks) => {
      const count = counted(input, masks[0])
      const { centred, variance } = momentsOf(input, count)
      const inverse = variance.add(epsilon).rsqrt()
      const all = counted(input)
      const [sum, along] = [all.sum(dy), all.sum(dy.mul(centred)).mul(inverse)]
      const factor = inverse.mul(scale)
      const back = centred.mul(factor.mul(inverse).mul(along).div(count.size)).add(factor.mul(sum).div(count.size))
      const dx = dy.mul(factor).sub(count.only(back))
      return [dx, along, sum, ...masks.map((mask) => tf.zerosLike(mask))]
    },
  )
  return rows ? apply(x, gamma, beta, rows) : apply(x, gamma, beta)
}

/**
 * Batch normalisation (Ioffe and Szegedy 2015) of [n, …, c] by channel, γ = `<name>.scale` [c], β = `<name>.bias` [c]. In training the moments are
 * those of all rows of the pass that count (`call.rows`), and the running ones, state `<name>.mean` and `<name>.variance` [c], move a tenth of the way
 * (`call.share`) towards them, the variance with n − 1. Otherwise, or where `statistics` (the call's unless given) says `running`, the running ones are used. ε is 1e-5.
 */
export function batchNorm(vars: Variables, name: string, x: Tensor, call: Call, statistics = call.statistics): Tensor {
  const [gamma, beta] = [variable(vars, `${name}.scale`), variable(vars, `${name}.bias`)]
  const [mean, variance] = [vars.state[`${name}.mean`]!, vars.state[`${name}.variance`]!]
  if ((statistics ?? (call.train ? 'batch' : 'running')) === 'running') {
    const factor = variance.add(epsilon).rsqrt().mul(gamma)
    return x.mul(factor).add(beta.sub(mean.mul(factor)))
  }
  const rows = call.rows && tf.cast(call.rows.greater(0), 'float32')
  const count = counted(x, rows)
  const batch = momentsOf(x, count)
  const share = call.share ?? tf.scalar(momentum)
  const moved = (running: Tensor, now: Tensor): Tensor => running.mul(tf.scalar(1).sub(share)).add(now.mul(share))
  call.next(`${name}.mean`, moved(mean, batch.mean))
  call.next(`${name}.variance`, moved(variance, batch.variance.mul(count.size.div(count.size.sub(1).maximum(1)))))
  return normalised(x, gamma, beta, rows)
}

const filled = (size: number, value: number): Value => ({ shape: [size], dtype: 'float32', data: new Float32Array(size).fill(value) })

/** Parameters and state of a batch norm over so many channels: γ = 1, β = 0, mean 0, variance 1. */
export const batchNormInit = (name: string, size: number): { params: Record<string, Value>; state: Record<string, Value> } => ({
  params: { [`${name}.scale`]: filled(size, 1), [`${name}.bias`]: filled(size, 0) },
  state: { [`${name}.mean`]: filled(size, 0), [`${name}.variance`]: filled(size, 1) },
})
