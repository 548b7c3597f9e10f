import type { Call, Value, Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { byHand } from './by-hand.js'
import { variable } from './dense.js'

const filled = (n: number, x: number): Value => ({ shape: [n], dtype: 'float32', data: new Float32Array(n).fill(x) })

/** `<name>.scale` [n] of ones and `<name>.shift` [n] of zeros. */
export const normInit = (name: string, n: number): Record<string, Value> => ({
  [`${name}.scale`]: filled(n, 1),
  [`${name}.shift`]: filled(n, 0),
})

const last = (x: Tensor): Tensor => tf.mean(x, -1, true)
const rows = (x: Tensor): Tensor => x.reshape([-1, x.shape[x.rank - 1]!])
/** Σ over all axes but the last. */
const columns = (x: Tensor): Tensor => rows(x).sum(0)

/** What the norms divide by: √(mean over the last axis of x² + ε), as its reciprocal [..., 1]. */
const inverseRoot = (x: Tensor, epsilon: number): Tensor => last(x.square()).add(epsilon).rsqrt()

const centre = (x: Tensor): Tensor => x.sub(last(x))

/** x − mean over its standard deviation, along the last axis; with r = 1/√(var + ε), x̂ = r (x − mean): dx = r (dy − mean dy − x̂ mean(x̂ dy)). */
export const standardised = (x: Tensor, epsilon = 1e-5): Tensor =>
  byHand(
    (z) => {
      const c = centre(z)
      return c.mul(inverseRoot(c, epsilon))
    },
    (dy, z) => {
      const c = centre(z)
      const r = inverseRoot(c, epsilon)
      const y = c.mul(r)
      return [
        dy
          .sub(last(dy))
          .sub(y.mul(last(dy.mul(y))))
          .mul(r),
      ]
    },
  )(x)

/**
 * γ x̂ + β along the last axis; x [..., n], γ and β [n].
 * Its gradient reads x̂ dy once for both γ and x: with u = x̂ dy, dγ = Σ u and mean(x̂ γ dy) = u γ / n, a product.
 */
const layer = (epsilon: number): ((...xs: Tensor[]) => Tensor) =>
  byHand(
    (x, scale, shift) => {
      const c = centre(x)
      return c.mul(inverseRoot(c, epsilon)).mul(scale).add(shift)
    },
    (dy, x, scale) => {
      const n = scale.size
      const c = centre(x)
      const r = inverseRoot(c, epsilon)
      const y = c.mul(r)
      const u = dy.mul(y)
      const along = (t: Tensor): Tensor =>
        rows(t)
          .matMul(scale.div(n).reshape([n, 1]))
          .reshape([...x.shape.slice(0, -1), 1])
      const dx = dy
        .mul(scale)
        .sub(along(dy))
        .sub(y.mul(along(u)))
        .mul(r)
      return [dx, columns(u), columns(dy)]
    },
  )

/** γ x / √(mean x² + ε) along the last axis, with dx = r (γ dy − x̂ mean(x̂ γ dy)). */
const rootMeanSquare = (epsilon: number): ((...xs: Tensor[]) => Tensor) =>
  byHand(
    (x, scale) => x.mul(inverseRoot(x, epsilon)).mul(scale),
    (dy, x, scale) => {
      const r = inverseRoot(x, epsilon)
      const y = x.mul(r)
      const u = dy.mul(y)
      const dx = dy
        .mul(scale)
        .sub(y.mul(last(u.mul(scale))))
        .mul(r)
      return [dx, columns(u)]
    },
  )

/**
 * Layer normalisation, Ba, Kiros and Hinton 2016: γ (x − mean) / √(var + ε) + β over the last axis of x [..., n].
 * γ = `<name>.scale` and β = `<name>.shift` [n]. Announces `<name>.in` and `<name>.out`.
 */
export function layerNorm(vars: Variables, name: string, h: Tensor, call: Call, epsilon = 1e-5): Tensor {
  const x = call.at(`${name}.in`, h)
  return call.at(`${name}.out`, layer(epsilon)(x, variable(vars, `${name}.scale`), variable(vars, `${name}.shift`)))
}

/**
 * Root mean square normalisation, Zhang and Sennrich 2019: γ x / √(mean x² + ε) over the last axis of x [..., n].
 * γ = `<name>.scale` [n]. Announces `<name>.in` and `<name>.out`.
 */
export function rmsNorm(vars: Variables, name: string, h: Tensor, call: Call, epsilon = 1e-6): Tensor {
  const x = call.at(`${name}.in`, h)
  return call.at(`${name}.out`, rootMeanSquare(epsilon)(x, variable(vars, `${name}.scale`)))
}

/**
 * Group normalisation, Wu and He 2018: channels of x [n, ..., c] in `groups` equal parts, each standardised over its own
 * channels and all places; then γ and β [c] = `<name>.scale`, `<name>.shift`. Announces `<name>.in` and `<name>.out`.
 */
export function groupNorm(vars: Variables, name: string, h: Tensor, groups: number, call: Call, epsilon = 1e-5): Tensor {
  const x = call.at(`${name}.in`, h)
  const y = byGroups(x, groups, epsilon)
  return call.at(`${name}.out`, y.mul(variable(vars, `${name}.scale`)).add(variable(vars, `${name}.shift`)))
}

/** What {@link groupNorm} makes of x before its scale. */
export function byGroups(x: Tensor, groups: number, epsilon = 1e-5): Tensor {
  const [n, c] = [x.shape[0], x.shape[x.rank - 1]!]
  const places = x.size / n / c
  const byGroup = x.reshape([n, places, groups, c / groups]).transpose([0, 2, 1, 3])
  return standardised(byGroup.reshape([n, groups, (places * c) / groups]), epsilon)
    .reshape([n, groups, places, c / groups])
    .transpose([0, 2, 1, 3])
    .reshape(x.shape)
}

/** What {@link rmsNorm} makes of x before its scale: x / √(mean x² + ε) along the last axis. */
export const overRoot = (x: Tensor, epsilon = 1e-6): Tensor => x.mul(inverseRoot(x, epsilon))
