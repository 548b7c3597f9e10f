import type { Call, Carry, Engine, HostKey, Model, Value, Values, Variables } from 'ockham'
import { hostKey, InputError } from 'ockham'
import { tf, type Tensor, type Tensor1D } from 'ockham/tensor'
import { emptyPast } from './attend.js'
import type { DecoderOptions } from './decoder.js'
import type { Sizes } from './sizes.js'
import { surprisals } from './surprisals.js'

/** A decoder, its variables, and the engine that runs it. */
export interface Served {
  readonly model: Model
  readonly vars: Variables<Value>
  /** Parameters that `vars` hold as [out, in]: with one row at a time, a kernel of few outputs is read half again as fast so. */
  readonly turned?: ReadonlySet<string>
  readonly sizes: Sizes & Pick<DecoderOptions, 'opening'>
  readonly engine: Engine
}

/** A decoder that has read some tokens in each of its rows, whose keys and values stay in the engine. */
export interface Reader {
  /** Reads on, each row its own tokens, one or more of them or none; returns the logits after the last of each, float32 [rows · V]. */
  next(tokens: readonly ArrayLike<number>[]): Promise<Float32Array>
  /** Reads on and returns −log p of each of `following`, the tokens that come after each of those read, nats; one row. */
  judge(tokens: Int32Array, following: Int32Array): Promise<Float32Array>
  /** Begins again with nothing read. */
  forget(): void
  dispose(): void
}

/** The least power of two that holds n, from 16 on, and at most `most`: few shapes, so few programs. */
export function bucket(n: number, most: number): number {
  let size = 16
  while (size < n) size *= 2
  return Math.max(n, Math.min(size, most))
}

/** Where an observer of the head's input picks what goes on. */
const headIn = 'head.in'

/** Rows of a table, each padded to `width`. */
function table(rows: readonly ArrayLike<number>[], width: number): Value {
  const data = new Int32Array(rows.length * width)
  rows.forEach((row, i) => data.set(Array.from(row), i * width))
  return { shape: [rows.length, width], dtype: 'int32', data }
}

const counts = (rows: readonly ArrayLike<number>[]): Value => ({
  shape: [rows.length],
  dtype: 'int32',
  data: Int32Array.from(rows, (row) => row.length),
})

type Tree = Readonly<Record<string, Tensor>>

/** The carry's step: reads `x` int32 [n, t], of which `count` int32 [n] are meant, and hands its past on. */
function step({ model, vars, turned }: Served, judging: boolean) {
  const upright = (params: Tree): Tree =>
    turned ? Object.fromEntries(Object.entries(params).map(([name, w]) => [name, turned.has(name) ? w.transpose() : w])) : params
  return (carry: Tree, feed: Tree, { key, engine }: { key: Call['key']; engine: Engine }): { carry: Tree; out: Tree } => {
    const fixed = engine.capture(vars)
    const state: Record<string, Tensor> = { ...carry }
    const [x, count] = [feed['x']!, feed['count']!]
    const [n, t] = x.shape as [number, number]
    const last = (h: Tensor): Tensor => {
      // Only the last token of a row is asked about: the head is spared the others.
      const at = tf
        .range(0, n, 1, 'int32')
        .mul(tf.scalar(t, 'int32'))
        .add(tf.maximum(count.sub(tf.scalar(1, 'int32')), tf.scalar(0, 'int32')))
      return tf.gather(h.reshape([n * t, h.shape[2]!]), tf.cast(at, 'int32') as Tensor1D).reshape([n, 1, h.shape[2]!])
    }
    const call: Call = {
      train: false,
      key,
      at: (point, h) => (point === headIn && !judging && t > 1 ? last(h) : h),
      next: (name, value) => void (state[name] = value),
    }
    const logits = model.apply({ params: upright(fixed.params), frozen: fixed.frozen, state: carry }, x, call)
    state['place'] = carry['place']!.add(count)
    const flat = logits.reshape([-1, logits.shape.at(-1)!])
    return { carry: state, out: judging ? { nll: surprisals(flat, feed['y']!.reshape([-1])) } : { logits: flat } }
  }
}

/**
 * A reader of `rows` rows with room for `room` tokens each. Tokens are read in calls of few lengths, so that few programs are compiled.
 * Throws `OCK-GPT-002` where the room is more than the context.
 */
export function reader(served: Served, rows: number, room: number): Reader {
  const { engine, sizes } = served
  const opening = Array.from({ length: sizes.opening ?? 0 }, (_, i) => -1 - i)
  const most = sizes.context - opening.length
  if (room > most)
    throw new InputError({
      code: 'OCK-GPT-002',
      what: `${room} tokens; the model reads ${most}`,
      where: 'model.context',
      remedy: 'ask for fewer tokens, or shorten the prompt',
    })
  const width = bucket(opening.length + room, sizes.context)
  const loops = { next: engine.loop(step(served, false)), judge: engine.loop(step(served, true)) }
  const still: HostKey = hostKey(0)
  let past: Carry | undefined
  const advance = async (which: keyof typeof loops, feed: Values): Promise<Values> => {
    const { carry, outs } = await loops[which].advance(past ?? loops[which].load(emptyPast(rows, width, sizes)), 0, [feed], [still])
    past = carry
    return outs[0]!
  }
  return {
    async next(tokens) {
      const read = past ? tokens : tokens.map((row) => [...opening, ...Array.from(row)])
      const longest = Math.max(1, ...read.map((row) => row.length))
      const x = table(read, longest === 1 ? 1 : bucket(longest, width))
      return (await advance('next', { x, count: counts(read) }))['logits']!.data as Float32Array
    },
    async judge(tokens, following) {
      const first = past ? [] : opening
      const read = [...first, ...tokens]
      const t = bucket(read.length, width)
      // −1 asks for nothing.
      const y = table([[...first.map(() => -1), ...following]], t)
      y.data.fill(-1, read.length)
      const { nll } = await advance('judge', { x: table([read], t), count: counts([read]), y })
      return (nll!.data as Float32Array).slice(first.length, read.length)
    },
    forget() {
      past = undefined
    },
    dispose() {
      loops.next.dispose()
      loops.judge.dispose()
    },
  }
}
