/** How the learning rate changes over a run. */
export interface Schedule {
  /** `cosine` falls from 1 to `floor` along half a cosine, Loshchilov and Hutter 2017. */
  readonly kind: 'constant' | 'cosine'
  /** Steps of linear rise at the start. */
  readonly warmup: number
  /** Share of the learning rate left at the end of `cosine`. */
  readonly floor: number
}

/** Factor in [0, 1] of the learning rate at `step` of `steps`; float64 on the host. */
export function rate({ kind, warmup, floor }: Schedule, step: number, steps: number): number {
  if (step < warmup) return (step + 1) / warmup
  if (kind === 'constant') return 1
  const done = (step - warmup) / Math.max(1, steps - warmup)
  return floor + ((1 - floor) * (1 + Math.cos(Math.PI * done))) / 2
}

/** Whether the factor is 1 at every step. */
export const isConstant = ({ kind, warmup }: Schedule): boolean => kind === 'constant' && warmup === 0
