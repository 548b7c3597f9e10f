import { InputError, type Call, type HostKey, type Model, type Value } from 'ockham'
import { tf, type Tensor, type Tensor1D } from 'ockham/tensor'
import { isDecoder, type Decoder } from '../gpt/index.js'
import { variable } from '../networks/index.js'

export interface PromptedOptions {
  /** Embeddings that are read before every text. */
  readonly length: number
  /** The first of them: rows of the token table, drawn uniformly, or normal numbers of this standard deviation. */
  readonly start: 'tokens' | number
}

const table = 'prompt.table'

const refused = (code: string, what: string, remedy: string): InputError => new InputError({ code, what, where: 'model.of', remedy })

/** [length, d] of a decoder's token table [V, d]. */
function promptInit(key: HostKey, tokens: Value, { length, start }: PromptedOptions): Value {
  const [vocabulary, width] = tokens.shape as [number, number]
  const shape = [length, width]
  if (start !== 'tokens')
    return { shape, dtype: 'float32', data: Float32Array.from(key.fold('table').normal(shape).data, (z) => start * z) }
  const data = new Float32Array(length * width)
  key
    .fold('tokens')
    .integers([length], vocabulary)
    .data.forEach((id, i) => data.set(tokens.data.subarray(id * width, (id + 1) * width), i * width))
  return { shape, dtype: 'float32', data }
}

/** A call of the base over whole texts: the prompt [p, d] takes the first p places, and the head is spared them. */
const before = (prompt: Tensor, call: Call): Call => ({
  ...call,
  at(point, h) {
    const [p, d] = prompt.shape as [number, number]
    const [n, places] = h.shape as [number, number]
    if (point === 'tokens.out') {
      const read = tf.tile(tf.expandDims(prompt, 0), [n, 1, 1])
      return call.at(point, tf.concat([read, h.slice([0, p, 0], [n, places - p, d])], 1))
    }
    return call.at(point, point === 'head.in' ? h.slice([0, p, 0], [n, places - p, h.shape[2]!]) : h)
  },
})

/** A call of the base that goes on: row i of the prompt stands where ids [n, t] are −1 − i. */
const among = (prompt: Tensor, ids: Tensor, call: Call): Call => ({
  ...call,
  at(point, h) {
    if (point !== 'tokens.out') return call.at(point, h)
    const last = tf.scalar(prompt.shape[0] - 1, 'int32')
    const row = tf.minimum(tf.maximum(tf.scalar(-1, 'int32').sub(ids), tf.scalar(0, 'int32')), last)
    const read = tf.gather(prompt, tf.cast(row, 'int32').reshape<Tensor1D>([-1])).reshape(h.shape)
    return call.at(point, tf.where(tf.less(ids, tf.scalar(0, 'int32')).reshape([...ids.shape, 1]), read, h))
  },
})

/**
 * Prompt tuning, Lester, Al-Rfou and Constant 2021: `prompt.table` [p, d] is learnt and read before the tokens of every text; everything of the
 * base is frozen. The prompt takes the first p places of the context. Logits are those of the tokens alone, [n, t, V]; points inside
 * the blocks have the places of the prompt too. Throws `OCK-PROMPTED-001` for a base that is no decoder, `-002` for one that is prompted already.
 */
export function prompted(base: Model, options: PromptedOptions): Decoder {
  if (!isDecoder(base))
    throw refused('OCK-PROMPTED-001', 'the model reads no tokens that something could stand before', 'choose gpt, or an adapted one')
  return {
    sizes: (meta) => ({ ...base.sizes(meta), opening: options.length }),
    async init(key, meta) {
      if (base.sizes(meta).opening !== undefined)
        throw refused('OCK-PROMPTED-002', 'the model is prompted already', 'choose one prompt of the length of both')
      const { params, frozen, state } = await base.init(key.fold('base'), meta)
      const all = { ...frozen, ...params }
      return { params: { [table]: promptInit(key.fold('prompt'), all['tokens.table']!, options) }, frozen: all, state }
    },
    apply(vars, x, call) {
      const ids = x as Tensor
      const prompt = variable(vars, table)
      // With a past the reader says where the prompt is read: once, before a text begins.
      if (vars.state['place']) return base.apply(vars, tf.maximum(ids, tf.scalar(0, 'int32')), among(prompt, ids, call))
      const room = tf.zeros([ids.shape[0], options.length], 'int32')
      return base.apply(vars, tf.concat([room, ids], 1), before(prompt, call))
    },
  }
}
