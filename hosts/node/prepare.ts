import { InputError, type CheckedRun, type Composition, type Dataset, type Posterior, Problems, Shared, type Work } from 'ockham'
import { limited } from '../../plugins/parts/datasets/index.js'
import type { RunRecord } from './attempt.js'
import { readWeights } from './initial.js'

/** A run whose components exist and whose files were found right. */
export interface Prepared {
  /** Name among its siblings, empty for a run alone. */
  readonly name: string
  readonly composition: Composition
  /** The stage it starts from. */
  readonly earlier?: Prepared
}

const disposeAll = async (prepared: readonly Prepared[]): Promise<void> => {
  for (const { composition, earlier } of prepared) {
    await composition.dispose()
    if (earlier) await disposeAll([earlier])
  }
}

/** Creates the components of every run before one starts; bad files of all are in one error, and then nothing is left behind. */
export async function prepare(checked: readonly CheckedRun[]): Promise<Prepared[]> {
  const problems = new Problems()
  const prepared: Prepared[] = []
  // Variants and seeds of a study read one copy of the same data.
  const shared = new Shared()
  const one = async ({ name, create, earlier }: CheckedRun): Promise<Prepared | undefined> => {
    const before = earlier && (await one(earlier))
    const composition = await problems.during(() => create(shared))
    return composition && { name, composition, ...(before && { earlier: before }) }
  }
  for (const run of checked) {
    const made = await one(run)
    if (made) prepared.push(made)
  }
  if (problems.found.length > 0) await disposeAll(prepared)
  distinct(problems).check()
  return prepared
}

/** Runs that share a bad file find the same problem. */
function distinct({ found }: Problems): Problems {
  const once = new Problems()
  for (const problem of new Map(found.map((p) => [`${p.code} ${p.where ?? ''} ${p.what}`, p])).values()) once.add(problem)
  return once
}

export { disposeAll }

/** What a run executes: its dataset limited, its start found. */
export function workOf({ composition }: Prepared, initial: Posterior | undefined): Work {
  const { initial: _, limit, ...rest } = composition
  const dataset: Dataset = limit === undefined ? rest.dataset : limited(rest.dataset, limit)
  return { ...rest, dataset, ...(initial && { initial }) }
}

/** Where learning starts: a posterior, a finished run, a run folder or id, or a file of weights. */
export async function startOf(initial: unknown, load: (run: string) => Promise<Posterior>): Promise<Posterior | undefined> {
  if (initial === undefined) return undefined
  if (typeof initial === 'string') return initial.endsWith('.safetensors') ? readWeights(initial) : load(initial)
  const given = initial as Partial<Posterior & RunRecord>
  if (typeof given.predict === 'function') return given as Posterior
  if (given.posterior) return given.posterior
  throw new InputError({
    code: 'OCK-SPEC-032',
    what: 'initial is neither a posterior nor a run',
    where: 'initial',
    remedy: 'give a posterior, a run, its folder or id, a .safetensors file, or { stage: … }',
  })
}
