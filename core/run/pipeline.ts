import type {
  Bound,
  Certificate,
  Dataset,
  Evaluation,
  Inference,
  Model,
  Objective,
  Posterior,
  Prior,
  Problem,
  Process,
} from '../contracts/index.js'
import type { Result } from '../result.js'
import type { Place } from './place.js'
import { PlacedRun } from './run.js'

/** What a composed spec comes to: one instance a role, each with the name it has in the registry. */
export interface Work {
  readonly dataset: Dataset
  readonly model: Model | Process
  readonly objective: Objective
  readonly prior: Prior
  readonly inference: Inference
  readonly evaluations: readonly { readonly name: string; readonly instance: Evaluation }[]
  readonly bounds: readonly { readonly name: string; readonly instance: Bound }[]
  readonly initial?: Posterior
  /** Failure probability that all bounds together may have. */
  readonly delta: number
}

/** What a pipeline comes to. */
export interface Outcome extends Pick<Result, 'values' | 'tables' | 'figures' | 'certificates'> {
  readonly posterior: Posterior
}

/** What is to be learnt, as inferences see it. */
export const problemOf = ({
  dataset,
  model,
  objective,
  prior,
  initial,
}: Omit<Work, 'inference' | 'evaluations' | 'bounds' | 'delta'>): Problem => ({
  dataset,
  model,
  objective,
  prior,
  examples: dataset.meta.splits['train'] ?? 0,
  ...(initial ? { initial } : {}),
})

/** The second component of a name is called `name.2`, so that nothing is overwritten. */
function labelled<T extends { readonly name: string }>(items: readonly T[]): { item: T; label: string; suffix: string }[] {
  const seen = new Map<string, number>()
  return items.map((item) => {
    const count = (seen.get(item.name) ?? 0) + 1
    seen.set(item.name, count)
    const suffix = count === 1 ? '' : `.${count}`
    return { item, label: item.name + suffix, suffix }
  })
}

/** Learns, evaluates, certifies; every part a durable stage. Bounds share δ equally, so that all hold jointly. */
export async function execute(work: Work, place: Place): Promise<Outcome> {
  const run = new PlacedRun(place)
  const problem = problemOf(work)
  const posterior = await run.infer('inference', work.inference, problem)
  const values: Record<string, number> = {}
  const tables: Record<string, Result['tables'][string]> = {}
  const figures: Record<string, Result['figures'][string]> = {}
  for (const { item, label, suffix } of labelled(work.evaluations)) {
    const report = await run.evaluate(label, item.instance, posterior, problem)
    for (const [n, v] of Object.entries(report.values)) values[n + suffix] = v
    for (const [n, v] of Object.entries(report.tables ?? {})) tables[n + suffix] = v
    for (const [n, v] of Object.entries(report.figures ?? {})) {
      figures[n + suffix] = v
      run.emit({ type: 'figure', name: n + suffix, spec: v })
    }
    run.emit({ type: 'evaluation', name: label, values: report.values })
  }
  const certificates: Certificate[] = []
  for (const { item, label } of labelled(work.bounds)) {
    const share = work.delta / work.bounds.length
    const certificate = await run.keep(label, (inside) => item.instance.certify(posterior, problem, inside, share))
    certificates.push({ ...certificate, bound: item.name })
    run.emit({ type: 'certificate', certificate: { ...certificate, bound: item.name } })
  }
  return { posterior, values, tables, figures, certificates }
}
