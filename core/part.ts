import type { DependencyContainer, InjectionToken } from 'tsyringe'
import { z } from 'zod'
import { parseSlots, type Component } from './define.js'
import { InputError, type Problems } from './errors.js'
import { kindOf, Reference, withArticle, type Kind } from './kinds.js'
import { meant } from './nearest.js'
import { isPlain, refusePollution } from './plain.js'
import type { Registry } from './registry.js'
import { DATASET, MODEL, OBJECTIVE, PRIOR } from './tokens.js'

/** What composition happens in. */
export interface Surroundings {
  readonly registry: Registry
  /** Where what the host provides is registered; each run gets a child of it. */
  readonly container: DependencyContainer
  /** What the engine can do; absent: not checked. */
  readonly capabilities?: ReadonlySet<string>
}

/** A place in a spec that holds a component, checked: an object that was given, or what to create. */
export interface Part {
  readonly name: string
  readonly kind: Kind | undefined
  readonly where: string
  /** Undefined where it cannot be known: an inference given as an object. */
  readonly offers: readonly string[] | undefined
  /** Parsed options with what their slots hold, by identity. */
  readonly inside: ReadonlyMap<object, Part>
  readonly make: { readonly component: Component; readonly options: unknown } | { readonly instance: object }
}

/** Tokens of a run's own parts, in the order in which they are made. */
export const runTokens: readonly InjectionToken<unknown>[] = [DATASET, MODEL, OBJECTIVE, PRIOR]

/** Something in a slot. `kinds` is undefined for references that a schema's default put there. */
export interface Held {
  readonly object: object
  readonly kinds: readonly Kind[] | undefined
  readonly path: readonly PropertyKey[]
}

function* standing(value: unknown, slots: ReadonlyMap<object, readonly Kind[]>, path: readonly PropertyKey[] = []): Generator<Held> {
  if (typeof value !== 'object' || value === null) return
  const kinds = slots.get(value)
  if (kinds || value instanceof Reference) yield { object: value, kinds, path }
  else if (Array.isArray(value) || isPlain(value)) for (const [key, v] of Object.entries(value)) yield* standing(v, slots, [...path, key])
}

/** Parses options and finds what stands in their slots; where parsing fails, in the fields that are right by themselves. */
export function open(
  schema: z.ZodType,
  raw: Readonly<Record<string, unknown>>,
): { data?: unknown; issues: readonly z.core.$ZodIssue[]; held: readonly Held[] } {
  const { parsed, slots } = parseSlots(schema, raw)
  if (parsed.success) return { data: parsed.data, issues: [], held: [...standing(parsed.data, slots)] }
  const held = Object.entries(schema instanceof z.ZodObject ? schema.shape : {}).flatMap(([key, field]) => {
    const again = parseSlots(field as z.ZodType, raw[key])
    return again.parsed.success ? [...standing(again.parsed.data, again.slots, [key])] : []
  })
  return { issues: parsed.error.issues, held }
}

const at = (raw: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((v, key) => (v as Record<PropertyKey, unknown> | undefined)?.[key], raw)

export const join = (...path: readonly PropertyKey[]): string => path.map(String).join('.')

/** Adds `OCK-SPEC-022` for each issue, with the value that is wrong, or with the options that may have been meant. */
export function refuseIssues(
  problems: Problems,
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
  raw: unknown,
  where: (path: readonly PropertyKey[]) => string,
): void {
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') {
      const known = issue.path.length === 0 && schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
      for (const key of issue.keys) {
        const what = `there is no '${key}' here`
        problems.add({ code: 'OCK-SPEC-022', what, where: where([...issue.path, key]), remedy: meant(key, known, 'remove it') })
      }
      continue
    }
    const value = at(raw, issue.path)
    const given = value === undefined ? ', nothing was given' : typeof value === 'object' ? '' : `, not ${JSON.stringify(value)}`
    problems.add({ code: 'OCK-SPEC-022', what: issue.message.replace(/, received .*$/, '') + given, where: where(issue.path) })
  }
}

/** What an object that was given offers: what it says, or the members it has and the task of a dataset. */
function offered(object: object): readonly string[] {
  if ('offers' in object && Array.isArray(object.offers)) return object.offers as string[]
  const names = 'meta' in object ? [String((object.meta as { task?: unknown }).task)] : []
  for (let at: object | null = object; at && at !== Object.prototype; at = Object.getPrototypeOf(at) as object | null)
    names.push(...Object.getOwnPropertyNames(at))
  return names
}

/** Checks what stands in slots, at any depth, and imports the plugins it names. */
export class PartChecker {
  constructor(
    readonly around: Surroundings,
    readonly problems: Problems,
  ) {}

  /** `made`: how many of the run's own parts exist when this one is created. Undefined where something is wrong. */
  async check({ object, kinds }: Pick<Held, 'object' | 'kinds'>, where: string, made: number): Promise<Part | undefined> {
    if (object instanceof Reference) return this.#reference(object, kinds, where, made)
    const kind = kindOf(object)
    const offers = kind === 'inference' && !('offers' in object) ? undefined : offered(object)
    return { name: 'inline', kind: kind ?? kinds?.[0], where, offers, inside: new Map(), make: { instance: object } }
  }

  async #reference(
    { name, options }: Reference,
    kinds: readonly Kind[] | undefined,
    where: string,
    made: number,
  ): Promise<Part | undefined> {
    const component = await this.#component(name, kinds, where)
    if (!component) return undefined
    const found = this.problems.found.length
    refusePollution(options, this.problems, where)
    const { data, issues, held } = open(component.options, options)
    refuseIssues(this.problems, issues, component.options, options, (path) => join(where, ...path))
    const inside = new Map<object, Part>()
    for (const h of held) {
      const part = await this.check(h, join(where, ...h.path), made)
      if (part) inside.set(h.object, part)
    }
    this.#needs(component, where, made)
    if (this.problems.found.length > found) return undefined
    const offersOf = (of: unknown): readonly string[] => inside.get(of as object)?.offers ?? []
    const offers = typeof component.offers === 'function' ? component.offers(data, offersOf) : (component.offers ?? [])
    return { name, kind: component.kind, where, offers, inside, make: { component, options: data } }
  }

  async #component(name: string, kinds: readonly Kind[] | undefined, where: string): Promise<Component | undefined> {
    const { registry } = this.around
    try {
      const component = await registry.component(name, kinds)
      if (!kinds || kinds.includes(component.kind)) return component
      const what = `'${name}' is ${withArticle(component.kind)}, not ${withArticle(...kinds)}`
      const names = registry.list(...kinds).map((l) => l.name)
      this.problems.add({ code: 'OCK-SPEC-021', what, where, remedy: meant(name, names, 'choose another') })
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      for (const problem of error.problems) this.problems.add({ ...problem, where: problem.where ? `${where} (${problem.where})` : where })
    }
    return undefined
  }

  #needs({ name, needs = {} }: Component, where: string, made: number): void {
    for (const [as, token] of Object.entries(needs)) {
      const own = runTokens.indexOf(token)
      if (own === -1 ? this.around.container.isRegistered(token, true) : own < made) continue
      const [why, remedy] =
        own === -1 ? ['which this host does not provide', 'use a host that does'] : ['which is made after it', 'choose another component']
      this.problems.add({ code: 'OCK-SPEC-024', what: `'${name}' needs ${as}, ${why}`, where, remedy })
    }
  }
}
