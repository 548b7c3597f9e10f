import { canonical, hostKey, isEarlier, OckhamError, Problems, type Engine, type Json, type Posterior } from 'ockham'
import { planOf, type Plan } from './plan.js'
import { startOf, workOf, type Prepared } from './prepare.js'

/** What planning a run needs of its host. */
interface Around {
  readonly engine: Engine
  load(run: string): Promise<Posterior>
}

/** Composes and compiles the first fold of a run. */
export async function planRun(run: Prepared, { engine, load }: Around): Promise<Plan> {
  const { seed, initial } = run.composition
  const place = { key: hostKey(seed), engine, signal: new AbortController().signal, path: [], timings: {}, record: () => undefined }
  return planOf(workOf(run, isEarlier(initial) ? undefined : await startOf(initial, load)), place)
}

/** Runs that differ in their seed alone meet the same problems. */
const kindOf = ({ composition }: Prepared): string => {
  const { seed: _, ...rest } = composition.plain as Record<string, Json>
  return canonical(rest)
}

/**
 * Whether every run can start: initial weights are there and fit, contexts have the shape of the data, what is traced can be. All
 * problems are in one InputError, found before a folder is made. A run that starts from an earlier stage is not tried, its stage is;
 * nor is a process, which has nothing to trace. Returns the plans of what was tried, which are those of other seeds as well; not of objects,
 * which may differ in what their functions close over.
 */
export async function preflight(prepared: readonly Prepared[], around: Around): Promise<(run: Prepared) => Plan | undefined> {
  const problems = new Problems()
  const tried = new Map<string, Plan | undefined>()
  for (const run of prepared.map((p) => p.earlier ?? p)) {
    const kind = kindOf(run)
    if (tried.has(kind) || !('apply' in run.composition.model)) continue
    tried.set(kind, undefined)
    try {
      tried.set(kind, await planRun(run, around))
    } catch (error) {
      if (!(error instanceof OckhamError)) throw error
      for (const problem of error.problems) problems.add({ ...problem, where: [run.name, problem.where].filter(Boolean).join(': ') })
    }
  }
  problems.check()
  return (run) => (kindOf(run).includes('"inline":') ? undefined : tried.get(kindOf(run)))
}
