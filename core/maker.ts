import type { DependencyContainer } from 'tsyringe'
import type { Dataset } from './contracts/index.js'
import { InputError, OckhamError, Problems, RunError } from './errors.js'
import type { runTokens } from './part.js'
import { type Part } from './part.js'
import { isPlain } from './plain.js'
import type { Shared } from './shared.js'

/** Creates instances bottom-up in a run's own container, and disposes them in reverse. */
export class Maker {
  readonly problems = new Problems()
  readonly datasets: { where: string; name: string; meta: Dataset['meta'] }[] = []
  readonly #made = new Set<object>()
  readonly #failed = new Set<unknown>()

  constructor(
    readonly container: DependencyContainer,
    readonly shared?: Shared,
  ) {}

  register(token: (typeof runTokens)[number], instance: unknown): void {
    if (instance === undefined) this.#failed.add(token)
    else this.container.registerInstance(token, instance)
  }

  /** Undefined where bad input was found, here or in what it depends on. */
  async make(part: Part): Promise<unknown> {
    const made = await this.#make(part)
    if (part.kind === 'dataset' && made !== undefined)
      this.datasets.push({ where: part.where, name: part.name, meta: (made as Dataset).meta })
    return made
  }

  async #make(part: Part): Promise<unknown> {
    const { make, inside, name, where, kind } = part
    if ('instance' in make) return make.instance
    const instances = new Map<object, unknown>()
    for (const [held, inner] of inside) instances.set(held, await this.make(inner))
    const needs = Object.entries(make.component.needs ?? {})
    if ([...instances.values()].includes(undefined) || needs.some(([, token]) => this.#failed.has(token))) return undefined
    const needed = Object.fromEntries(needs.map(([as, token]) => [as, this.container.resolve(token)]))
    try {
      const create = async (): Promise<object> => make.component.create(settle(make.options, instances) as never, needed)
      // A dataset depends on its options alone, where it needs nothing of the run.
      const shared = kind === 'dataset' && needs.length === 0 ? this.shared : undefined
      const instance = await (shared?.take(part, this, create) ?? create())
      this.#made.add(instance)
      return instance
    } catch (cause) {
      if (!(cause instanceof OckhamError))
        throw new RunError({ code: 'OCK-SPEC-030', what: `creating '${name}' failed: ${String(cause)}`, where }, { cause })
      if (!(cause instanceof InputError)) throw cause
      for (const problem of cause.problems) this.problems.add({ where, ...problem })
      return undefined
    }
  }

  /** All are disposed, even when one fails; then the first failure is thrown. */
  async dispose(): Promise<void> {
    const failures: unknown[] = []
    for (const instance of [...this.#made].reverse() as { dispose?: unknown; [Symbol.asyncDispose]?: unknown }[]) {
      this.#made.delete(instance)
      if (this.shared?.release(instance, this) === false) continue
      const dispose = instance[Symbol.asyncDispose] ?? instance.dispose
      try {
        if (typeof dispose === 'function') await dispose.call(instance)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}

/** Options with instances where slots held something to create. */
function settle(options: unknown, instances: ReadonlyMap<object, unknown>): unknown {
  if (typeof options !== 'object' || options === null) return options
  if (instances.has(options)) return instances.get(options)
  if (Array.isArray(options)) return options.map((o) => settle(o, instances))
  return isPlain(options) ? Object.fromEntries(Object.entries(options).map(([k, v]) => [k, settle(v, instances)])) : options
}
