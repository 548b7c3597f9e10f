/** A smooth map from all numbers onto those a parameter may be. */
export interface Constraint {
  value(raw: number): number
  /** Derivative of the value. */
  slope(raw: number): number
  raw(value: number): number
}

const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)))

/** exp: positive numbers over many orders of magnitude. */
export const positive: Constraint = { value: Math.exp, slope: Math.exp, raw: Math.log }

/** least + log(1 + eˣ): numbers above `least`, linear where large. */
export const above = (least: number): Constraint => ({
  value: (x) => least + Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  slope: sigmoid,
  raw: (y) => y - least + Math.log(-Math.expm1(least - y)),
})

/** low + (high − low) σ(x): numbers between two. */
export const between = (low: number, high: number): Constraint => ({
  value: (x) => low + (high - low) * sigmoid(x),
  slope: (x) => (high - low) * sigmoid(x) * sigmoid(-x),
  raw: (y) => Math.log((y - low) / (high - y)),
})
