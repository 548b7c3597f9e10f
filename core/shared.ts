import { isPlain } from './plain.js'
import type { Part } from './part.js'

/** Numbers for objects that no text describes: typed arrays, functions, instances. */
const numbers = new WeakMap<object, number>()
let count = 0

function numberOf(object: object): number {
  const found = numbers.get(object) ?? ++count
  numbers.set(object, found)
  return found
}

/** Text that is equal for components that would be created alike: name, options, and what is in their slots. */
function keyOf({ name, make, inside }: Part): string {
  if ('instance' in make) return `#${numberOf(make.instance)}`
  const of = (value: unknown): string => {
    if (typeof value === 'function') return `#${numberOf(value)}`
    if (typeof value !== 'object' || value === null) return value === undefined ? 'undefined' : JSON.stringify(value)
    const part = inside.get(value)
    if (part) return keyOf(part)
    if (Array.isArray(value)) return `[${value.map(of).join(',')}]`
    if (!isPlain(value)) return `#${numberOf(value)}`
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([key, v]) => `${JSON.stringify(key)}:${of(v)}`).join(',')}}`
  }
  return `${name}${of(make.options)}`
}

interface Entry {
  readonly instance: Promise<object>
  readonly holders: Set<object>
}

/** What runs that are created together share: a dataset of one name and the same options is made, and held in memory, once. */
export class Shared {
  readonly #entries = new Map<string, Entry>()
  readonly #keys = new Map<object, string>()

  /** The instance of a part for a holder: what `create` makes, or made for another holder. */
  async take(part: Part, holder: object, create: () => Promise<object>): Promise<object> {
    const key = keyOf(part)
    const entry = this.#entries.get(key) ?? { instance: create(), holders: new Set() }
    this.#entries.set(key, entry)
    entry.holders.add(holder)
    try {
      const instance = await entry.instance
      this.#keys.set(instance, key)
      return instance
    } catch (error) {
      // What could not be made is tried again for the next.
      this.#entries.delete(key)
      throw error
    }
  }

  /** Lets a holder's instance go; whether nobody holds it any more, so that it may be disposed. */
  release(instance: object, holder: object): boolean {
    const key = this.#keys.get(instance)
    const entry = key === undefined ? undefined : this.#entries.get(key)
    if (!entry) return true
    entry.holders.delete(holder)
    if (entry.holders.size > 0) return false
    this.#entries.delete(key!)
    this.#keys.delete(instance)
    return true
  }
}
