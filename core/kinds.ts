import type { z } from 'zod'
import type * as c from './contracts/index.js'

/** The kinds of component, by name. Open: a part merges in a kind of its own (`kernel`, `projector`). */
export interface Kinds {
  model: c.Model
  process: c.Process
  dataset: c.Dataset
  sampler: c.Sampler
  objective: c.Objective
  prior: c.Prior
  optimizer: c.Optimizer
  inference: c.Inference
  evaluation: c.Evaluation
  bound: c.Bound
  tracker: c.Tracker
}

export type Kind = keyof Kinds

/** What every plugin merges its components into: `fseb: { kind: 'prior'; options: z.input<typeof fsebOptions> }`. */
export interface Catalog {}

type Entry = { kind: Kind; options: object }
export type Name = keyof Catalog & string
export type OptionsOf<N extends Name> = Catalog[N] extends Entry ? Catalog[N]['options'] : never
export type KindOf<N extends Name> = Catalog[N] extends Entry ? Catalog[N]['kind'] : never

declare const brand: unique symbol

/** An opaque reference to a component of kind K by name and options; made by `use`. */
export interface Spec<K extends Kind = Kind> {
  readonly [brand]: K
}

/** Wherever a name may stand, an instance may. */
export type Use<K extends Kind> = Spec<K> | Kinds[K]

/** Refers to a component by its registry name. A wrong name, option or kind does not compile, at any depth. */
export function use<N extends Name>(
  name: N,
  ...options: {} extends OptionsOf<N> ? [options?: OptionsOf<N>] : [options: OptionsOf<N>]
): Spec<KindOf<N>>
export function use(name: string, options: object = {}): Spec {
  return new Reference(name, { ...options }) as unknown as Spec
}

/** What a Spec is at run time. YAML `{ use: name, ...options }` becomes the same. */
export class Reference {
  constructor(
    readonly name: string,
    readonly options: Readonly<Record<string, unknown>>,
  ) {}
}

/** What every instance of a kind has. Kinds that parts add are not known here. */
const members: Readonly<Record<string, readonly string[]>> = {
  model: ['init', 'apply'],
  process: ['init', 'mean', 'covariance', 'variance', 'gradient'],
  dataset: ['meta', 'read'],
  objective: ['loss', 'predict'],
  prior: ['energy'],
  optimizer: ['init', 'update'],
  inference: ['infer', 'restore'],
  evaluation: ['evaluate'],
  bound: ['certify'],
  tracker: ['attach'],
  sampler: ['rows'],
}

/** Whether an object can be an instance of `kind`, judged by its members; of a kind that a part adds, every object can. */
export const isInstance = (kind: Kind, value: object): boolean =>
  members[kind]?.every((m) => m === 'meta' || typeof (value as Record<string, unknown>)[m] === 'function') ?? true

/** The kind whose members an object has. */
export const kindOf = (value: object): Kind | undefined => (Object.keys(members) as Kind[]).find((kind) => isInstance(kind, value))

/** `an optimizer`, `a model or process`. */
export const withArticle = (...kinds: readonly Kind[]): string => `${/^[aeiou]/.test(kinds[0] ?? '') ? 'an' : 'a'} ${kinds.join(' or ')}`

/** The zod type of an option that holds a component of kind K. */
export type Slot<K extends Kind> = z.ZodType<Use<K>, Use<K>>
