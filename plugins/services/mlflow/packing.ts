import type { Recorded } from 'ockham'

/** Steps of one fold, in columns: as transferable numbers they cross to the writer's thread without being cloned one by one. */
export interface Series {
  readonly path: readonly string[]
  readonly fold: string
  readonly names: readonly string[]
  readonly steps: Float64Array
  readonly times: Float64Array
  /** [steps, names]. */
  readonly values: Float64Array
}

export type Packed = Series | Exclude<Recorded, { type: 'step' }>

interface Open {
  readonly path: readonly string[]
  readonly fold: string
  readonly names: readonly string[]
  readonly steps: number[]
  readonly times: number[]
  readonly values: number[]
}

/** Gathers events for the writer, steps in columns. */
export class Packer {
  #items: (Open | Packed)[] = []
  #last: Open | undefined
  #steps = 0

  /** Steps waiting here. */
  get steps(): number {
    return this.#steps
  }

  get empty(): boolean {
    return this.#items.length === 0
  }

  add(event: Recorded): void {
    if (event.type !== 'step') {
      this.#items.push(event)
      this.#last = undefined
      return
    }
    const open = this.#open(event)
    open.steps.push(event.step)
    open.times.push(Date.parse(event.time))
    for (const name of open.names) open.values.push(event.values[name]!)
    this.#steps++
  }

  #open({ path, fold, values }: Extract<Recorded, { type: 'step' }>): Open {
    const last = this.#last
    const names = Object.keys(values)
    const same = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((x, i) => x === b[i])
    if (last?.fold === fold && same(last.path, path) && same(last.names, names)) return last
    this.#last = { path, fold, names, steps: [], times: [], values: [] }
    this.#items.push(this.#last)
    return this.#last
  }

  /** What was gathered, and the memory to hand over. */
  take(): { items: Packed[]; transfer: ArrayBuffer[] } {
    const transfer: ArrayBuffer[] = []
    const column = (numbers: readonly number[]): Float64Array => {
      const array = Float64Array.from(numbers)
      transfer.push(array.buffer)
      return array
    }
    const items = this.#items.map((item): Packed => {
      if (!('steps' in item) || item.steps instanceof Float64Array) return item as Packed
      const { path, fold, names, steps, times, values } = item as Open
      return { path, fold, names, steps: column(steps), times: column(times), values: column(values) }
    })
    this.#items = []
    this.#last = undefined
    this.#steps = 0
    return { items, transfer }
  }
}

export const isSeries = (item: Packed): item is Series => 'steps' in item
