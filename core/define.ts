import { z } from 'zod'
import type { Command } from 'commander'
import type { Kind, Kinds, Slot, Spec } from './kinds.js'
import { Reference } from './kinds.js'
import type { Needed, Needs } from './tokens.js'

const slots = new WeakMap<object, Kind>()

/** An option that holds a component of `kind`: a reference by name, or an instance. */
export function slot<K extends Kind>(kind: K): Slot<K> {
  const schema = z.custom<Kinds[K]>((v) => v instanceof Reference || (typeof v === 'object' && v !== null), { error: `expected a ${kind}` })
  const marked = schema.meta({ slot: kind }) as unknown as Slot<K>
  slots.set(marked, kind)
  return marked
}

/** The kind that a schema made by `slot` holds; undefined for other schemas. */
export const slotKind = (schema: object): Kind | undefined => slots.get(schema)

/** Options as `create` sees them: references have become instances. */
export type Resolved<O> = {
  [N in keyof O]: O[N] extends readonly (infer E)[] | undefined ? Exclude<E, Spec>[] | Extract<O[N], undefined> : Exclude<O[N], Spec>
}

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
export const component = <K extends Kind, O extends z.ZodType, N extends Needs = Record<never, never>>(c: Component<K, O, N>): Component<K, O, N> => c

/** What a plugin folder's `index.ts` exports by default. */
export interface Plugin {
  /** Folder name, unique. */
  readonly name: string
  // Components are invariant in their options; a list of them forgets what `component` has checked.
  readonly provides: readonly { readonly kind: Kind; readonly name: string }[]
  /** Adds commands to the command line. */
  readonly commands?: (program: Command) => void
}

export const definePlugin = (plugin: Plugin): Plugin => plugin
