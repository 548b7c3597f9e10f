import type { Call, Value, Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { variable } from './dense.js'

/** Share of the running statistics that a step replaces, and what is added to variances. */
const momentum = 0.1
const epsilon = 1e-5

/** The value is a sum over what `by` gives along all axes but the last. */
const byChannel = (x: Tensor): Tensor => x.reshape([-1, x.shape.at(-1)!]).sum(0)

interface Moments {
  readonly centred: Tensor
  readonly mean: Tensor
  readonly variance: Tensor
}

function momentsOf(x: Tensor): Moments {
  const count = x.size / x.shape.at(-1)!
  const mean = byChannel(x).div(count)
  const centred = x.sub(mean)
  return { centred, mean, variance: byChannel(centred.square()).div(count) }
}

/**
 * γ (x − μ) / √(σ² + ε) + β with the batch's own moments. Its gradient is written out: with x̂ the normalised input and means over the batch,
 * γ/σ (dy − mean dy − x̂ mean (dy x̂)). The moments in it are the forward pass's, found again by the engine.
 */
function normalised(x: Tensor, gamma: Tensor, beta: Tensor): Tensor {
  const apply = tf.customGrad((...given) => {
    const [input, scale, shift, save] = given as unknown as [Tensor, Tensor, Tensor, (saved: Tensor[]) => void]
    save([input, scale])
    const { centred, variance } = momentsOf(input)
    const value = centred.mul(variance.add(epsilon).rsqrt().mul(scale)).add(shift)
    const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor[] => {
      const [x0, gamma0] = saved as [Tensor, Tensor]
      const m = momentsOf(x0)
      const count = x0.size / x0.shape.at(-1)!
      const inverse = m.variance.add(epsilon).rsqrt()
      const [sum, along] = [byChannel(dy), byChannel(dy.mul(m.centred)).mul(inverse)]
      const factor = inverse.mul(gamma0)
      const back = m.centred.mul(factor.mul(inverse).mul(along).div(count)).add(factor.mul(sum).div(count))
      return [dy.mul(factor).sub(back), along, sum]
    }
    return { value, gradFunc }
  })
  return apply(x, gamma, beta)
}

/**
 * Batch normalisation (Ioffe and Szegedy 2015) of [n, …, c] by channel, γ = `<name>.scale` [c], β = `<name>.bias` [c]. In training the moments are
 * those of all rows of the pass together, and the running ones, state `<name>.mean` and `<name>.variance` [c], move a tenth of the way towards
 * them (the variance with n − 1); otherwise the running ones are used. ε is 1e-5.
 */
export function batchNorm(vars: Variables, name: string, x: Tensor, call: Call): Tensor {
  const [gamma, beta] = [variable(vars, `${name}.scale`), variable(vars, `${name}.bias`)]
  const [mean, variance] = [vars.state[`${name}.mean`]!, vars.state[`${name}.variance`]!]
  if (!call.train) {
    const factor = variance.add(epsilon).rsqrt().mul(gamma)
    return x.mul(factor).add(beta.sub(mean.mul(factor)))
  }
  const batch = momentsOf(x)
  const count = x.size / x.shape.at(-1)!
  const moved = (running: Tensor, now: Tensor): Tensor => running.mul(1 - momentum).add(now.mul(momentum))
  call.next(`${name}.mean`, moved(mean, batch.mean))
  call.next(`${name}.variance`, moved(variance, batch.variance.mul(count / Math.max(1, count - 1))))
  return normalised(x, gamma, beta)
}

const filled = (size: number, value: number): Value => ({ shape: [size], dtype: 'float32', data: new Float32Array(size).fill(value) })

/** Parameters and state of a batch norm over `channels`: γ = 1, β = 0, mean 0, variance 1. */
export const batchNormInit = (name: string, channels: number): { params: Record<string, Value>; state: Record<string, Value> } => ({
  params: { [`${name}.scale`]: filled(channels, 1), [`${name}.bias`]: filled(channels, 0) },
  state: { [`${name}.mean`]: filled(channels, 0), [`${name}.variance`]: filled(channels, 1) },
})
