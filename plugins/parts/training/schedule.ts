/** How the learning rate changes over a run: by name, or by a function of step and steps. */
export type Schedule = Named | { readonly factor: (step: number, steps: number) => number }

interface Named {
  /** `cosine` falls from 1 to `floor` along half a cosine, Loshchilov and Hutter 2017. */
  readonly kind: 'constant' | 'cosine'
  /** Steps of linear rise at the start. */
  readonly warmup: number
  /** Share of the learning rate left at the end of `cosine`. */
  readonly floor: number
}

/** Factor of the learning rate at `step` of `steps`, in [0, 1] for named schedules; float64 on the host. */
export function rate(schedule: Schedule, step: number, steps: number): number {
  if ('factor' in schedule) return schedule.factor(step, steps)
  const { kind, warmup, floor } = schedule
  if (step < warmup) return (step + 1) / warmup
  if (kind === 'constant') return 1
  const done = (step - warmup) / Math.max(1, steps - warmup)
  return floor + ((1 - floor) * (1 + Math.cos(Math.PI * done))) / 2
}

/** Whether the factor is 1 at every step. */
export const isConstant = (schedule: Schedule): boolean => !('factor' in schedule) && schedule.kind === 'constant' && schedule.warmup === 0
