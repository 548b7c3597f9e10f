import { z } from 'zod'
import type { Kind, Kinds, Slot, Spec } from './kinds.js'
import { isInstance, Reference, withArticle } from './kinds.js'
import type { Needed, Needs } from './tokens.js'

/** What the slots of the schema that is parsing now have met: each reference and instance with the kinds its slot holds. */
let met: Map<object, readonly Kind[]> | undefined

/** A fresh reference, so that each slot's can be told apart. */
function reference(v: unknown): Reference | undefined {
  if (typeof v === 'string') return new Reference(v, {})
  if (v instanceof Reference) return new Reference(v.name, v.options)
  const { use: name, ...options } = (v ?? {}) as { use?: unknown }
  return typeof name === 'string' ? new Reference(name, options) : undefined
}

/**
 * An option that holds a component of one of `kinds`: a reference made by `use`, an instance, and in YAML `{ use: name, ...options }`
 * or the name alone. Parses to a reference or an instance.
 */
export function slot<K extends Kind>(...kinds: readonly [K, ...K[]]): Slot<K> {
  const wanted = withArticle(...kinds)
  const schema = z
    .custom((v) => reference(v) !== undefined || (typeof v === 'object' && v !== null && kinds.some((kind) => isInstance(kind, v))), {
      error: ({ input }) =>
        typeof input === 'object' && input !== null && 'inline' in input
          ? `${wanted} was given as an object here, which a file cannot hold`
          : `expected ${wanted}: its name, { use: name, ...options }, or an object that is one`,
    })
    .transform((v) => {
      const held = reference(v) ?? (v as object)
      met?.set(held, kinds)
      return held
    })
  return schema.meta({ slot: kinds }) as unknown as Slot<K>
}

/** Parses options; `slots` tells which objects in what was parsed stand in a slot, and for which kinds. */
export function parseSlots(
  schema: z.ZodType,
  options: unknown,
): { parsed: z.ZodSafeParseResult<unknown>; slots: ReadonlyMap<object, readonly Kind[]> } {
  const outer = met
  const slots = (met = new Map<object, readonly Kind[]>())
  try {
    return { parsed: schema.safeParse(options), slots }
  } finally {
    met = outer
  }
}

/** Options as `create` sees them: references have become instances. */
export type Resolved<O> = { [N in keyof O]: Instances<O[N]> }
type Instances<T> = T extends Spec
  ? never
  : T extends readonly (infer E)[]
    ? [Extract<E, Spec>] extends [never]
      ? T
      : Exclude<E, Spec>[]
    : T

/** What a component asks of others: capability names that they offer. Checked before anything runs. */
export type Requires = Readonly<Partial<Record<Kind | 'engine', readonly string[]>>>

/** A component: what a name in a spec stands for. */
export interface Component<K extends Kind = Kind, O extends z.ZodType = z.ZodType, N extends Needs = Needs> {
  readonly kind: K
  /** Unique in the registry across all kinds. */
  readonly name: string
  /** One line for listings. */
  readonly about: string
  readonly options: O
  readonly needs?: N
  readonly requires?: Requires
  /** Capabilities: `weights`, `gaussian`, `message`, `root`, `classification`. May depend on the options, and on what components in them offer. */
  readonly offers?: readonly string[] | ((options: z.output<O>, offersOf: (of: unknown) => readonly string[]) => readonly string[])
  create(options: Resolved<z.output<O>>, needs: Needed<N>): Kinds[K] | Promise<Kinds[K]>
}

/** Fixes a component's types: options and needs are inferred, `create` is checked against them. */
export const component = <K extends Kind, O extends z.ZodType, N extends Needs = Record<never, never>>(
  c: Component<K, O, N>,
): Component<K, O, N> => c

/** What a plugin folder's `index.ts` exports by default. */
export interface Plugin {
  /** Folder name, unique. */
  readonly name: string
  // Components are invariant in their options; a list of them forgets what `component` has checked.
  readonly provides: readonly { readonly kind: Kind; readonly name: string }[]
}

export const definePlugin = (plugin: Plugin): Plugin => plugin
