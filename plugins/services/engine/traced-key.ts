import type { Key } from 'ockham'
import type { Tensor } from './tensor.js'
import { refusal } from './errors.js'
import type { Draw, Slot } from './graph.js'
import { current, type Trace } from './trace.js'
import { tensorOf } from './tracing.js'

/** A key inside a traced function: its draws are inputs of the program, filled by the host key of the same path. */
export class TracedKey implements Key {
  readonly #trace: Trace
  readonly #key: string
  readonly #path: readonly (string | number)[]

  constructor(trace: Trace, key: string, path: readonly (string | number)[] = []) {
    this.#trace = trace
    this.#key = key
    this.#path = path
  }

  fold(data: string | number): TracedKey {
    if (typeof data !== 'string' && typeof data !== 'number') {
      throw refusal('007', 'a traced key is folded by a tensor, whose number is not known on the host', 'fold by a name or a number')
    }
    return new TracedKey(this.#trace, this.#key, [...this.#path, data])
  }

  normal(shape: readonly number[]): Tensor {
    return this.#draw({ of: 'normal', shape: [...shape] }, { shape: [...shape], dtype: 'float32' })
  }

  uniform(shape: readonly number[]): Tensor {
    return this.#draw({ of: 'uniform', shape: [...shape] }, { shape: [...shape], dtype: 'float32' })
  }

  bernoulli(p: number, shape: readonly number[]): Tensor {
    return this.#draw({ of: 'bernoulli', p, shape: [...shape] }, { shape: [...shape], dtype: 'float32' })
  }

  integers(shape: readonly number[], below: number): Tensor {
    return this.#draw({ of: 'integers', below, shape: [...shape] }, { shape: [...shape], dtype: 'int32' })
  }

  permutation(n: number): Tensor {
    return this.#draw({ of: 'permutation', n }, { shape: [n], dtype: 'int32' })
  }

  #draw(draw: Draw, slot: Slot): Tensor {
    if (current() !== this.#trace) {
      throw refusal(
        '007',
        'a traced key draws outside the traced function that it was given to',
        'use host keys outside; pass one as an argument',
      )
    }
    return tensorOf(this.#trace, this.#trace.draw(this.#key, this.#path, draw, slot))
  }
}
