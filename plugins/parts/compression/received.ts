import { createHash } from 'node:crypto'
import type { Engine, Message, Posterior, Problem, Value, Values, Variables } from 'ockham'
import { flatten, fromWeights, map, pointMass, value } from '../training/index.js'
import { readMessage, type Layout } from './message.js'
import { byName, isWrapper } from './subspace.js'

/** What the decoder knows before the message comes: where learning starts, and how much will be said. */
export interface Known {
  readonly start: Variables<Value>
  readonly layout: Layout
  /** Training rows that the start was not learnt from; absent where it was learnt from none. */
  readonly rows?: Int32Array
}

/** Numbers put into arrays of the shapes of `like`, by name. */
function filled(like: Values, numbers: ArrayLike<number>): Record<string, Value> {
  let at = 0
  return map(byName(like), ({ shape, data }) => {
    const own = Float32Array.from({ length: data.length }, (_, i) => numbers[at + i]!)
    at += own.length
    return { shape, dtype: 'float32' as const, data: own }
  })
}

/** The posterior that a message stands for: what is evaluated is what was decoded. */
export function received(problem: Problem, engine: Engine, known: Known, bytes: Uint8Array): Posterior {
  const { symbols, codebook, plain, bits, lengths } = readMessage(bytes, known.layout)
  const numbers = Float64Array.from({ length: symbols.length }, (_, i) => codebook[symbols[i]!]!)
  const { start, rows } = known
  const vars: Variables<Value> = {
    params: filled(start.params, numbers),
    frozen: start.frozen,
    state: filled(start.state, plain),
  }
  const message: Message = {
    bytes,
    bits,
    lengths,
    side: { start: digestOf(start) },
    ...(rows && { rows }),
    // The same bytes are the same model, whose programs are compiled once for all bounds.
    decode: (other) => Promise.resolve(Buffer.compare(other, bytes) === 0 ? posterior : received(problem, engine, known, other)),
  }
  const save = () => ({
    kind: 'message',
    values: { ...flatten(start), message: value(bytes, [bytes.length], 'int32') },
    meta: null,
  })
  // Inside a subspace the model's own weights are computed once, on the host, and serve every pass.
  const { model } = problem
  const inner = isWrapper(model)
    ? fromWeights({ ...problem, model: model.of }, engine, pointMass(model.unwrap(vars)))
    : fromWeights(problem, engine, pointMass(vars))
  const posterior = fromWeights(problem, engine, pointMass(vars), {
    predict: (x, how) => inner.predict(x, how),
    message,
    save,
  })
  return posterior
}

/** SHA-256 of what the decoder starts from. */
function digestOf(start: Variables<Value>): string {
  const hash = createHash('sha256')
  for (const [name, { shape, data }] of Object.entries(byName(flatten(start)))) {
    hash.update(`${name} [${shape.join()}]`)
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
  return hash.digest('hex')
}
