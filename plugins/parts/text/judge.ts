import type { Engine, Problem, Value, Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { isWrapper } from '../compression/index.js'
import { surprisals } from '../gpt/index.js'
import { bind, parametric } from '../networks/index.js'
import { silent } from '../training/index.js'
import { padding } from './rows.js'

/** One reading of at most a row: tokens, and those to judge after each. */
export interface Pass {
  readonly x: Int32Array
  readonly y: Int32Array
  /** Where the judgements go: that of the token after place i to `at + i`. */
  readonly at: number
}

/** What a model says of tokens that came. */
export interface Judged {
  /** Their probabilities, float64. */
  readonly probabilities: Float64Array
  /** How many other tokens were at least as likely: ties count against the model. */
  readonly above: Float64Array
}

/** Passes a call. */
const size = 32

/** Passes of a text through a decoder: at most `context` tokens each, `count` of them to judge in all. */
export interface Reading {
  readonly passes: Iterable<Pass>
  readonly context: number
  readonly count: number
}

/**
 * Probabilities and ranks of tokens by the weights of a decoder, with a program that goes when all is read. Tokens at −1 are not judged. Inside a
 * subspace the decoder's own weights are computed once, on the host.
 */
export async function judge(
  problem: Problem,
  engine: Engine,
  vars: Variables<Value>,
  { passes, context, count }: Reading,
): Promise<Judged> {
  const { model } = problem
  const inner = parametric(isWrapper(model) ? model.of : model)
  const program = engine.compile(({ vars, x, y }: { vars: Variables; x: Tensor; y: Tensor }) => {
    const logits = bind(inner, vars, silent, false)(x)
    const [n, t, vocabulary] = logits.shape as [number, number, number]
    const flat = logits.reshape([n * t, vocabulary])
    const known = tf.maximum(y.reshape([-1]), tf.scalar(0, 'int32'))
    const places = tf
      .range(0, n * t, 1, 'int32')
      .mul(tf.scalar(vocabulary, 'int32'))
      .add(known)
    const own = tf.gather(flat.reshape([-1]), tf.cast(places, 'int32')).reshape([n * t, 1])
    return { nats: surprisals(flat, y.reshape([-1])), above: tf.cast(tf.greaterEqual(flat, own), 'float32').sum(1).sub(1) }
  })
  const at = isWrapper(model) ? model.unwrap(vars) : vars
  const judged = { probabilities: new Float64Array(count), above: new Float64Array(count) }
  try {
    for (const few of inCalls(passes)) {
      const [x, y] = [new Int32Array(size * context), new Int32Array(size * context).fill(padding)]
      few.forEach((pass, i) => {
        x.set(pass.x, i * context)
        y.set(pass.y, i * context)
      })
      const table = (data: Int32Array): Value => ({ shape: [size, context], dtype: 'int32', data })
      const { nats, above } = await program({ vars: at, x: table(x), y: table(y) })
      few.forEach((pass, i) =>
        pass.y.forEach((token, j) => {
          if (token === padding) return
          judged.probabilities[pass.at + j] = Math.exp(-nats.data[i * context + j]!)
          judged.above[pass.at + j] = above.data[i * context + j]!
        }),
      )
    }
    return judged
  } finally {
    program.dispose()
  }
}

function* inCalls(passes: Iterable<Pass>): Generator<Pass[]> {
  let few: Pass[] = []
  for (const pass of passes) {
    few.push(pass)
    if (few.length < size) continue
    yield few
    few = []
  }
  if (few.length > 0) yield few
}
