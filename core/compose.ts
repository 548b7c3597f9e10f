import 'reflect-metadata'
import type { Bound, Dataset, Evaluation, Inference, Json, Model, Objective, Prior, Process } from './contracts/index.js'
import { parseSlots } from './define.js'
import { InputError, Problems } from './errors.js'
import { Reference, type Kind } from './kinds.js'
import { join, open, PartChecker, refuseIssues, runTokens, type Part, type Surroundings } from './part.js'
import { Maker } from './maker.js'
import { refuseMisfits } from './misfits.js'
import { isPlain } from './plain.js'
import type { Work } from './run/pipeline.js'
import type { Shared } from './shared.js'
import { expand, isEarlier, runSchema, toPlain, type Child, type Initial, type PipelineSpec } from './spec.js'

const roles = ['dataset', 'model', 'objective', 'prior', 'inference'] as const
type Role = (typeof roles)[number]

/** Everything of one run, created. */
export interface Composition extends Omit<Work, 'initial'> {
  readonly seed: number
  readonly name?: string
  readonly limit?: number
  /** As it was given: the host finds what a name stands for. */
  readonly initial?: Initial
  /** The spec of this run as JSON, its defaults filled in. */
  readonly plain: Json
  /** Capabilities of the run's parts; empty for an inference given as an object. */
  readonly offers: Readonly<Record<Role, readonly string[]>>
  /** Every dataset that the run reads: its own at `dataset`, those of other components at their paths. */
  readonly datasets: readonly { readonly where: string; readonly name: string; readonly meta: Dataset['meta'] }[]
  /** Disposes what was created, last first. */
  dispose(): Promise<void>
}

/** A run that was found right, ready to be created. */
export interface CheckedRun {
  /** Empty, or the name of the variant and seed. */
  readonly name: string
  readonly plain: Json
  /** The stage that runs first, where the spec has one. */
  readonly earlier?: CheckedRun
  /** Creates the run's components, those in slots first; datasets that `shared` has are taken. Bad input of several is one InputError. */
  create(shared?: Shared): Promise<Composition>
}

type Fields = Pick<Composition, 'seed' | 'delta' | 'name' | 'limit' | 'initial'>

/** One run's parts in the order of creation. */
interface Parts {
  readonly roles: Readonly<Record<Role, Part>>
  readonly evaluations: readonly Part[]
  readonly bounds: readonly Part[]
}

/**
 * Checks a spec and all its variants: names, kinds, options, what components need and require of each other. Imports only
 * plugins that the spec names and creates nothing. Errors: one InputError with all that is wrong.
 */
export async function check(spec: PipelineSpec, around: Surroundings): Promise<readonly CheckedRun[]> {
  const found = new Map<string, Parameters<Problems['add']>[0]>()
  const keep = ({ found: some }: Problems): void => some.forEach((p) => found.set(JSON.stringify(p), p))
  const runs: CheckedRun[] = []
  const expanding = new Problems()
  for (const child of expand(spec, expanding)) {
    const problems = new Problems()
    const run = await checkChild(child, around, problems)
    if (run) runs.push(run)
    keep(problems)
  }
  keep(expanding)
  if (found.size > 0) throw new InputError([...found.values()])
  return runs
}

async function checkChild({ name, fields, where }: Child, around: Surroundings, problems: Problems): Promise<CheckedRun | undefined> {
  const locate = (path: readonly PropertyKey[]): string => join(where(String(path[0] ?? '')), ...path.slice(1))
  const { data, issues, held } = open(runSchema, fields)
  refuseIssues(problems, issues, runSchema, fields, locate)
  const checker = new PartChecker(around, problems)
  const parts = new Map<object, Part>()
  const run = new Map<Kind, Part>()
  let whole = issues.length === 0
  for (const h of held) {
    const role = roles.indexOf(h.path[0] as Role)
    const part = await checker.check(h, locate(h.path), role === -1 ? runTokens.length : Math.min(role, runTokens.length))
    if (!part) {
      whole = false
      continue
    }
    parts.set(h.object, part)
    if (role !== -1 && part.kind) run.set(part.kind, part)
  }
  // What is missing because it is wrong is reported already.
  if (whole) for (const part of parts.values()) refuseMisfits(part, run, around, problems)
  const earlier = await checkEarlier(fields, where, around, problems)
  if (problems.found.length > 0) return undefined
  const spec = data as Fields & Record<Role, object> & { evaluations: object[]; bounds: object[] }
  const each = (objects: readonly object[]): Part[] => objects.map((o) => parts.get(o)!)
  const byRole = Object.fromEntries(roles.map((r) => [r, parts.get(spec[r])!])) as Record<Role, Part>
  const plain = await toPlain(resolve(data, parts) as PipelineSpec)
  return {
    name,
    plain,
    ...(earlier && { earlier }),
    create: (shared) =>
      create(spec, { roles: byRole, evaluations: each(spec.evaluations), bounds: each(spec.bounds) }, plain, around, shared),
  }
}

/** What a spec says with the defaults of every component filled in, where the component reads that as the same. */
function resolve(value: unknown, parts: ReadonlyMap<object, Part>): unknown {
  if (typeof value !== 'object' || value === null) return value
  const part = parts.get(value)
  if (part && 'component' in part.make && value instanceof Reference) {
    const options = resolve(part.make.options, part.inside) as Reference['options']
    return parseSlots(part.make.component.options, options).parsed.success ? new Reference(value.name, options) : value
  }
  if (part) return value
  if (Array.isArray(value)) return value.map((v) => resolve(v, parts))
  const entries = isPlain(value) ? Object.entries(value).filter(([, v]) => v !== undefined) : undefined
  return entries ? Object.fromEntries(entries.map(([name, v]) => [name, resolve(v, parts)])) : value
}

/** An earlier stage is a run of its own, with the fields it does not change taken from the run that starts from it. */
function checkEarlier(
  { initial, ...fields }: Child['fields'],
  where: Child['where'],
  around: Surroundings,
  problems: Problems,
): Promise<CheckedRun | undefined> {
  if (!isEarlier(initial)) return Promise.resolve(undefined)
  const { stage } = initial
  const within = (field: string): string => (Object.hasOwn(stage, field) ? `${where('initial')}.stage.${field}` : where(field))
  return checkChild({ name: 'initial', fields: { ...fields, ...stage }, where: within }, around, problems)
}

async function create(
  { seed, delta, name, limit, initial }: Fields,
  parts: Parts,
  plain: Json,
  around: Surroundings,
  shared: Shared | undefined,
): Promise<Composition> {
  const maker = new Maker(around.container.createChildContainer(), shared)
  try {
    const made: Partial<Record<Role, unknown>> = {}
    for (const [i, role] of roles.entries()) {
      made[role] = await maker.make(parts.roles[role])
      if (runTokens[i]) maker.register(runTokens[i], made[role])
    }
    const all = async <T>(some: readonly Part[]) => {
      const items: { name: string; instance: T }[] = []
      for (const part of some) items.push({ name: part.name, instance: (await maker.make(part)) as T })
      return items
    }
    const evaluations = await all<Evaluation>(parts.evaluations)
    const bounds = await all<Bound>(parts.bounds)
    maker.problems.check()
    return Object.freeze({
      ...{ seed, delta, plain, evaluations, bounds },
      ...(name === undefined ? {} : { name }),
      ...(limit === undefined ? {} : { limit }),
      ...(initial === undefined ? {} : { initial }),
      dataset: made.dataset as Dataset,
      model: made.model as Model | Process,
      objective: made.objective as Objective,
      prior: made.prior as Prior,
      inference: made.inference as Inference,
      datasets: readBy(maker.datasets, parts),
      offers: Object.fromEntries(roles.map((r) => [r, parts.roles[r].offers ?? []])) as Composition['offers'],
      dispose: () => maker.dispose(),
    })
  } catch (error) {
    // What went wrong first is what is told.
    await maker.dispose().catch(() => undefined)
    throw error
  }
}

/** Datasets with the paths that they have in the run itself: a variant's are in its own fields. */
function readBy(datasets: Composition['datasets'], { roles: byRole, evaluations, bounds }: Parts): Composition['datasets'] {
  const listed = (name: string, some: readonly Part[]) => some.map((part, i) => [`${name}.${i}`, part.where] as const)
  const roots = [...roles.map((r) => [r, byRole[r].where] as const), ...listed('evaluations', evaluations), ...listed('bounds', bounds)]
  return datasets.map((d) => {
    const [name, root] = roots.find(([, where]) => d.where === where || d.where.startsWith(`${where}.`)) ?? [d.where, d.where]
    return { ...d, where: name + d.where.slice(root.length) }
  })
}

/** Checks and creates a spec that is one run. */
export async function compose(spec: PipelineSpec, around: Surroundings): Promise<Composition> {
  const [run, ...others] = await check(spec, around)
  if (run && others.length === 0) return run.create()
  throw new InputError({ code: 'OCK-SPEC-026', what: `this spec is ${others.length + 1} runs`, remedy: 'check it, and create each' })
}
