import type { Fold, Values } from 'ockham'
import { prefix, under, value } from './trees.js'

/** When to stop before the last step. */
export interface Early {
  /** Checks without a better validation likelihood after which learning stops. */
  readonly patience: number
  /** Steps between checks; an epoch by default. */
  readonly every?: number
}

/** Host state of a descent: the mean loss since the last report, and the best weights so far. Saved with each checkpoint. */
export class Watch implements NonNullable<Fold['host']> {
  #sum = 0
  #count = 0
  #least = Infinity
  #misses = 0
  #best: Values | undefined

  constructor(readonly early?: Early) {}

  /** Weights of the best check; undefined before the first. */
  get best(): Values | undefined {
    return this.#best
  }

  add(loss: number): void {
    this.#sum += loss
    this.#count++
  }

  /** Mean loss of the steps added since the last call. */
  mean(): number {
    const mean = this.#sum / Math.max(1, this.#count)
    this.#sum = this.#count = 0
    return mean
  }

  /** Keeps the weights where `nll` is the least so far; says `stop` after `patience` checks without progress. */
  check(nll: number, weights: Values): 'stop' | undefined {
    if (nll < this.#least) {
      this.#least = nll
      this.#misses = 0
      this.#best = weights
      return undefined
    }
    this.#misses++
    return this.#misses >= (this.early?.patience ?? Infinity) ? 'stop' : undefined
  }

  save(): Values {
    const counts = value([this.#sum, this.#count, this.#least, this.#misses], [4], 'float64')
    return { counts, ...prefix('best.', this.#best ?? {}) }
  }

  load(saved: Values): void {
    const [sum, count, least, misses] = saved['counts']!.data as Float64Array
    this.#sum = sum!
    this.#count = count!
    this.#least = least!
    this.#misses = misses!
    const best = under('best.', saved)
    this.#best = Object.keys(best).length > 0 ? best : undefined
  }
}
