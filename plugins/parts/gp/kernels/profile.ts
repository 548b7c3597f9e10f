import { positive } from './constraint.js'

/** How covariance falls with squared distance u: f(0) = 1. `alpha` is a shape parameter, where there is one. */
export interface Profile {
  readonly shaped: boolean
  /** Whether slopes follow from values alone, without the distance. */
  readonly closed: boolean
  value(u: number, alpha: number): number
  /** f′(u); `f` is the value there. */
  slope(u: number, f: number, alpha: number): number
  /** ∂f/∂α. */
  byShape?(u: number, f: number, alpha: number): number
}

export const exponential: Profile = { shaped: false, closed: true, value: (u) => Math.exp(-u / 2), slope: (_, f) => -f / 2 }

/** Matérn: r = √u. At r = 0 the slope of smoothness 1/2 is infinite, yet what it multiplies is zero. */
export const matern: Readonly<Record<'1/2' | '3/2' | '5/2', Profile>> = {
  '1/2': { shaped: false, closed: false, value: (u) => Math.exp(-Math.sqrt(u)), slope: (u, f) => (u > 0 ? -f / (2 * Math.sqrt(u)) : 0) },
  '3/2': {
    shaped: false,
    closed: false,
    value: (u) => (1 + Math.sqrt(3 * u)) * Math.exp(-Math.sqrt(3 * u)),
    slope: (u) => -1.5 * Math.exp(-Math.sqrt(3 * u)),
  },
  '5/2': {
    shaped: false,
    closed: false,
    value: (u) => (1 + Math.sqrt(5 * u) + (5 * u) / 3) * Math.exp(-Math.sqrt(5 * u)),
    slope: (u) => (-5 / 6) * (1 + Math.sqrt(5 * u)) * Math.exp(-Math.sqrt(5 * u)),
  },
}

/** (1 + u / 2α)^−α; α is kept by its logarithm. */
export const rationalQuadratic: Profile = {
  shaped: true,
  closed: false,
  value: (u, alpha) => Math.exp(-alpha * Math.log1p(u / (2 * alpha))),
  slope: (u, f, alpha) => -f / (2 * (1 + u / (2 * alpha))),
  byShape: (u, f, alpha) => f * (-Math.log1p(u / (2 * alpha)) + u / (2 * alpha) / (1 + u / (2 * alpha))),
}

export const shape = positive
