import { gaussianLogLikelihood } from '../../parts/bayes/index.js'
import { counts, type Coordinates, type Scales } from './coordinates.js'
import type { Curvature } from './structure.js'

/** Regression under normal noise of one size: then the noise can be tuned. */
export interface Noise {
  /** σ₀, at which loss and curvature were taken. */
  readonly given: number
  readonly squaredErrors: number
  /** Numbers observed: rows times outputs. */
  readonly count: number
}

/** What the evidence is a function of scales of. */
export interface Setting {
  readonly at: Coordinates
  readonly curvature: Curvature
  /** log p(y | θ*) at the noise that was given, nats. */
  readonly logLikelihood: number
  /** Σ δ (θ* − μ)² of each group. */
  readonly scatter: Float64Array
  readonly likelihoodTemperature: number
  readonly noise?: Noise
}

export interface Evidence {
  /** log p(y), nats. */
  readonly value: number
  /** Numbers that the data determine, γ = Σ (n_g − t_g tr_g). */
  readonly effective: number
  /** Derivatives in log t_g, and in log σ where there is noise. */
  readonly byPrior: Float64Array
  readonly byNoise: number
}

/** 1/(T σ²/σ₀²). */
export const likelihoodScale = ({ likelihoodTemperature, noise }: Setting, sigma: number | undefined): number =>
  1 / likelihoodTemperature / (noise && sigma !== undefined ? (sigma / noise.given) ** 2 : 1)

/** log p(y | θ*) − ½ [log det P − log det P₀ + (θ* − μ)ᵀ P₀ (θ* − μ)], MacKay 1992, with its derivatives; θ* stays. */
export function evidence(setting: Setting, prior: Float64Array, sigma = setting.noise?.given): Evidence {
  const { at, curvature, scatter, noise } = setting
  const scales: Scales = { prior, likelihood: likelihoodScale(setting, sigma) }
  const { logDeterminant, traces } = curvature.settle(scales)
  const n = counts(at)
  let [quadratic, effective] = [0, 0]
  const byPrior = new Float64Array(prior.length)
  prior.forEach((t, g) => {
    quadratic += t * scatter[g]!
    effective += n[g]! - t * traces[g]!
    byPrior[g] = (n[g]! - t * traces[g]! - t * scatter[g]!) / 2
  })
  const likelihood = noise && sigma !== undefined ? gaussianLogLikelihood(noise.squaredErrors, noise.count, sigma) : setting.logLikelihood
  const byNoise = noise && sigma !== undefined ? noise.squaredErrors / sigma ** 2 - noise.count + effective : 0
  return { value: likelihood - (logDeterminant + quadratic) / 2, effective, byPrior, byNoise }
}

/** What tuning came to. */
export interface Tuned {
  readonly prior: Float64Array
  readonly sigma?: number
  readonly steps: number
}

const settled = 1e-9
const most = 1e12

/**
 * MacKay's fixed point with θ* held: t_g ← γ_g / Σ δ (θ* − μ)², σ² ← SSE / (n − γ). Where a step would lower the evidence half of it is taken.
 * A group whose weights are all at their mean has no finite optimum and is held at 10¹².
 */
export function fixedPoint(setting: Setting, { noise: tunesNoise = true, steps = 500 } = {}): Tuned {
  const { at, scatter, noise } = setting
  const n = counts(at)
  let prior: Float64Array = new Float64Array(at.groups).fill(1)
  let sigma = noise?.given
  let now = evidence(setting, prior, sigma)
  for (let step = 1; step <= steps; step++) {
    const goal = prior.map((t, g) => {
      const gamma = 2 * now.byPrior[g]! + t * scatter[g]!
      return n[g] === 0 ? t : Math.min(most, Math.max(1 / most, gamma / scatter[g]!))
    })
    const wider =
      noise && tunesNoise && noise.count > now.effective ? Math.sqrt(noise.squaredErrors / (noise.count - now.effective)) : sigma
    const goalNoise = noise && tunesNoise && wider !== undefined ? Math.max(wider, 1e-6 * noise.given) : sigma
    let share = 1
    let next = now
    let [p, s] = [prior, sigma]
    for (; share > 1e-3; share /= 2) {
      p = prior.map((t, g) => t * Math.exp(share * Math.log(goal[g]! / t)))
      s = sigma !== undefined && goalNoise !== undefined ? sigma * Math.exp(share * Math.log(goalNoise / sigma)) : sigma
      next = evidence(setting, p, s)
      if (next.value >= now.value - 1e-12 * Math.abs(now.value)) break
    }
    const change = Math.max(...[...p].map((t, g) => Math.abs(Math.log(t / prior[g]!))), sigma && s ? Math.abs(Math.log(s / sigma)) : 0)
    ;[prior, sigma, now] = [p, s, next]
    if (change < settled) return { prior, ...(sigma !== undefined && { sigma }), steps: step }
  }
  return { prior, ...(sigma !== undefined && { sigma }), steps }
}

/** Adam's ascent of the evidence in log t and log σ, as in training with evidence (Immer et al. 2021). */
export function adamAscent(
  setting: Setting,
  start: { readonly prior: Float64Array; readonly sigma?: number },
  { steps = 100, rate = 0.1, noise: tunesNoise = false } = {},
): Tuned {
  const tunes = tunesNoise && setting.noise !== undefined
  const x = Float64Array.from([...start.prior.map(Math.log), ...(tunes ? [Math.log(start.sigma ?? setting.noise.given)] : [])])
  const groups = start.prior.length
  const [m, v] = [new Float64Array(x.length), new Float64Array(x.length)]
  let [b1, b2] = [1, 1]
  const sigmaOf = (): number | undefined => (tunes ? Math.exp(x[groups]!) : start.sigma)
  for (let step = 0; step < steps; step++) {
    const { byPrior, byNoise } = evidence(setting, x.slice(0, groups).map(Math.exp), sigmaOf())
    const slope = [...byPrior, ...(tunes ? [byNoise] : [])]
    b1 *= 0.9
    b2 *= 0.999
    slope.forEach((g, i) => {
      m[i] = 0.9 * m[i]! + 0.1 * g
      v[i] = 0.999 * v[i]! + 0.001 * g * g
      x[i]! += (rate * (m[i] / (1 - b1))) / (Math.sqrt(v[i] / (1 - b2)) + 1e-8)
    })
  }
  const sigma = sigmaOf()
  return { prior: x.slice(0, groups).map(Math.exp), ...(sigma !== undefined && { sigma }), steps }
}
