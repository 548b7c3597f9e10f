import { z } from 'zod'
import type { Json, Posterior } from './contracts/index.js'
import { slot } from './define.js'
import { InputError, Problems } from './errors.js'
import { canonical, inline, isPlain, isPolluting, plainOf, refusePollution, sha256 } from './plain.js'

/** Where learning starts: a posterior, a run that has one, what the host finds by name (a run, a file of weights), or an earlier stage. */
export type Initial = string | Posterior | { readonly posterior?: Posterior; readonly folder?: string } | Earlier

/** A stage that is run first: the fields in which it differs from the run that starts from it. */
export interface Earlier {
  readonly stage: Readonly<Record<string, unknown>>
}

export const isEarlier = (initial: unknown): initial is Earlier => isPlain(initial) && isPlain(initial['stage'])

/** One run: what is learnt, from what, how, and what is asked of the result. */
export const runSchema = z.strictObject({
  name: z.string().optional().describe('what to call the run'),
  seed: z.int().min(0).default(0).describe('every draw follows from it'),
  limit: z.int().positive().optional().describe('use at most this many examples of each split'),
  delta: z.number().gt(0).lt(1).default(0.05).describe('failure probability that all bounds together may have'),
  dataset: slot('dataset'),
  model: slot('model', 'process'),
  objective: slot('objective'),
  prior: slot('prior').prefault('flat' as never),
  inference: slot('inference'),
  evaluations: z.array(slot('evaluation')).default([]),
  bounds: z.array(slot('bound')).default([]),
  initial: z
    .custom<Initial>(
      (v) => typeof v === 'string' || (typeof v === 'object' && v !== null),
      'expected a run, a file of weights or a posterior',
    )
    .optional(),
})

type Fields = z.input<typeof runSchema>
interface Children {
  /** Child runs: what each changes. Their names become folders. */
  readonly variants?: Readonly<Record<string, Partial<Fields>>>
  /** One child run a seed, and a variant. */
  readonly seeds?: readonly number[]
}

/** What a pipeline is given as. With variants the fields outside need not be complete. */
export type PipelineSpec = (Fields & Children) | (Partial<Fields> & Children & { readonly variants: object })

const invalid = (code: string, what: string, where: string, remedy: string): InputError => new InputError({ code, what, where, remedy })

/** A spec from parsed JSON or YAML. Errors: `OCK-SPEC-013` for each key that would pollute prototypes, `-028` for what is no mapping. */
export function fromPlain(plain: Json): PipelineSpec {
  const problems = new Problems()
  refusePollution(plain, problems)
  problems.check()
  if (!isPlain(plain))
    throw invalid('OCK-SPEC-028', 'a spec is a mapping of fields', 'spec', 'write dataset:, model:, objective: and inference:')
  return plain as unknown as PipelineSpec
}

const plainInitial = async (initial: Initial): Promise<Json> => {
  if (typeof initial === 'string') return initial
  if (isEarlier(initial)) return { stage: await toPlain(initial.stage) }
  if ('folder' in initial && typeof initial.folder === 'string') return initial.folder
  const posterior = (('posterior' in initial && initial.posterior) || initial) as Partial<Posterior>
  return inline(posterior.save?.() ?? posterior, 'posterior')
}

/** A spec as JSON: references as `{ use: name, ...options }`, objects as `{ inline: kind, digest }`. */
export async function toPlain(spec: PipelineSpec | Partial<Fields>): Promise<Json> {
  const { initial, variants, ...fields } = spec as Partial<Fields> & Children
  const plain = { ...((await plainOf(fields)) as object), ...(initial === undefined ? {} : { initial: await plainInitial(initial) }) }
  if (variants === undefined) return plain
  return {
    ...plain,
    variants: Object.fromEntries(await Promise.all(Object.entries(variants).map(async ([n, v]) => [n, await toPlain(v)] as const))),
  }
}

/** SHA-256 of what changes a run's result: of the spec as JSON with sorted keys, without its name. */
export function specDigest(plain: Json): Promise<string> {
  const { name: _, ...rest } = plain as { [name: string]: Json }
  return sha256(canonical(rest))
}

/** The spec with the value at a path changed: `inference.optimizer.learningRate`, `evaluations.0.against`. Errors: `OCK-SPEC-025`. */
export function applySet(plain: Json, path: string, value: Json): Json {
  const keys = path.replaceAll(/\[(\d+)\]/g, '.$1').split('.')
  const refuse = (what: string): InputError =>
    invalid('OCK-SPEC-025', what, path, 'name fields as the spec does, and places in lists by number from 0')
  const put = (at: Json | undefined, depth: number): Json => {
    const key = keys[depth]
    if (key === undefined) return value
    if (key === '' || isPolluting(key)) throw refuse(`'${key}' cannot be set`)
    const inside = keys.slice(0, depth).join('.')
    if (Array.isArray(at)) {
      if (!/^\d+$/.test(key) || Number(key) > at.length)
        throw refuse(`'${inside}' has ${at.length} entries, and '${key}' is not the place of one`)
      return Object.assign([...(at as Json[])], { [key]: put((at as Json[])[Number(key)], depth + 1) })
    }
    // A name alone stands for a component without options.
    const record = typeof at === 'string' && depth > 0 ? { use: at } : (at ?? {})
    if (!isPlain(record)) throw refuse(`'${inside}' is ${JSON.stringify(at)}, which has no parts`)
    if (at === undefined && /^\d+$/.test(key)) throw refuse(`there is no list '${inside}'`)
    return { ...record, [key]: put(Object.hasOwn(record, key) ? record[key] : undefined, depth + 1) }
  }
  return put(plain, 0)
}

/** One run of a spec: its fields, not yet checked, and the path in the spec that each comes from. */
export interface Child {
  /** Variant and seed, fit for a folder; empty where the spec is one run. */
  readonly name: string
  readonly fields: Readonly<Record<string, unknown>>
  where(field: string): string
}

const safe = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** The runs that a spec stands for: each variant with each seed. Adds `OCK-SPEC-026` for names and seeds that cannot be. */
export function expand(spec: PipelineSpec, problems: Problems): readonly Child[] {
  const { variants, seeds, ...base } = spec as Children
  const refuse = (what: string, where: string, remedy: string): void => problems.add({ code: 'OCK-SPEC-026', what, where, remedy })
  const children = new Map<string, Child>()
  const add = (name: string, fields: object, where: Child['where']): void => {
    if (children.has(name)) refuse(`two runs would be called '${name}'`, 'variants', 'rename a variant, or give each seed once')
    children.set(name, { name, fields: { ...base, ...fields }, where })
  }
  if (variants !== undefined && (!isPlain(variants) || Object.keys(variants).length === 0))
    refuse('variants is a mapping from names to fields', 'variants', 'write variants: { name: { prior: … } }')
  if (seeds !== undefined && (!Array.isArray(seeds) || seeds.length === 0))
    refuse('seeds is a list of seeds', 'seeds', 'write seeds: [0, 1, 2]')
  const named: [string, object][] = isPlain(variants) ? Object.entries(variants) : [['', {}]]
  for (const [variant, changes] of named) {
    const prefix = `variants.${variant}`
    if (variant !== '' && (!safe.test(variant) || isPolluting(variant)))
      refuse(`'${variant}' cannot name a variant`, prefix, 'use letters, digits, dots, dashes and underscores, 64 at most')
    if (!isPlain(changes)) {
      refuse('a variant is a mapping of fields', prefix, 'write what it changes: { prior: … }')
      continue
    }
    for (const key of ['variants', 'seeds'])
      if (key in changes) refuse(`a variant has no ${key} of its own`, `${prefix}.${key}`, 'move it outside')
    const where = (field: string): string => (variant !== '' && Object.hasOwn(changes, field) ? `${prefix}.${field}` : field)
    if (!Array.isArray(seeds)) add(variant, changes, where)
    else
      for (const [i, seed] of (seeds as number[]).entries())
        add([...(variant ? [variant] : []), `seed-${seed}`].join('-'), { ...changes, seed }, (field) =>
          field === 'seed' ? `seeds.${i}` : where(field),
        )
  }
  return [...children.values()]
}
