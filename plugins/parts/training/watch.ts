import type { Fold, Values } from 'ockham'
import { prefix, under, value } from './trees.js'

/** When to stop before the last step. */
export interface Early {
  /** Checks without a better validation likelihood after which learning stops. */
  readonly patience: number
  /** Steps between checks; an epoch by default. */
  readonly every?: number
}

/** Host state of a descent: the mean loss an example since the last report, and the best weights so far. Saved with each checkpoint. */
export class Watch implements NonNullable<Fold['host']> {
  #sum = 0
  #weight = 0
  #least = Infinity
  #misses = 0
  #best: Values | undefined

  constructor(readonly early?: Early) {}

  /** Weights of the best check; undefined before the first. */
  get best(): Values | undefined {
    return this.#best
  }

  /** A step's mean loss and the total weight of its examples. */
  add(loss: number, weight: number): void {
    this.#sum += weight * loss
    this.#weight += weight
  }

  /** Σ w ℓ / Σ w over the examples of the steps added since the last call. */
  mean(): number {
    const mean = this.#sum / this.#weight
    this.#sum = this.#weight = 0
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
    const counts = value([this.#sum, this.#weight, this.#least, this.#misses], [4], 'float64')
    return { counts, ...prefix('best.', this.#best ?? {}) }
  }

  load(saved: Values): void {
    const [sum, weight, least, misses] = saved['counts']!.data as Float64Array
    this.#sum = sum!
    this.#weight = weight!
    this.#least = least!
    this.#misses = misses!
    const best = under('best.', saved)
    this.#best = Object.keys(best).length > 0 ? best : undefined
  }
}
