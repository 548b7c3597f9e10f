import { memoryStore, PlacedRun, problemOf, type LoopPlan, type Place, type Values, type Work } from 'ockham'

/** What `--dry-run` prints: known before anything runs. */
export interface Plan {
  readonly parameters: number
  readonly frozen: number
  readonly examples: Readonly<Record<string, number>>
  /** Of the first fold; absent where the inference has none. */
  readonly fold?: LoopPlan & { readonly name: string; readonly steps: number }
  /** Carry, feeds and draws of a call, bytes; what the runtime allocates inside a step is not in it. */
  readonly memoryBytes?: number
}

class Planned extends Error {}

const count = (values: Values): number => Object.values(values).reduce((n, v) => n + v.data.length, 0)

/** Composes and compiles the first fold of the inference, and stops there, or before the first stage that is no fold. */
export async function planOf(work: Work, place: Omit<Place, 'store' | 'planned'>): Promise<Plan> {
  const problem = problemOf(work)
  const variables =
    'apply' in problem.model
      ? await problem.model.init(place.key.fold('plan'), work.dataset.meta)
      : { params: await problem.model.init(place.key, work.dataset.meta), frozen: {} }
  let fold: Plan['fold']
  const planned = (name: string, steps: number, plan?: LoopPlan) => {
    if (plan) fold = { name, steps, ...plan }
    return Promise.reject(new Planned())
  }
  // A process is fitted on the host, without a fold to stop at: its plan is its size.
  try {
    if ('apply' in problem.model)
      await new PlacedRun({ ...place, store: memoryStore(), record: () => undefined, planned }).infer('inference', work.inference, problem)
  } catch (error) {
    if (!(error instanceof Planned)) throw error
  }
  return {
    parameters: count(variables.params),
    frozen: count(variables.frozen),
    examples: work.dataset.meta.splits,
    ...(fold ? { fold, memoryBytes: fold.carryBytes + fold.feedBytes * fold.stepsPerCall } : {}),
  }
}
