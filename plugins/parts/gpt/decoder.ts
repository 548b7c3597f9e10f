import type { Call, Variables } from 'ockham'
import { tf, type Tensor, type Tensor1D } from 'ockham/tensor'
import { dense, dropout, embedding, geluTanh, layerNorm, rmsNorm, variable } from '../networks/index.js'
import { attend, type Past } from './attend.js'
import { rotations, type Rotations } from './rotary.js'
import { checkLength, type Sizes } from './sizes.js'

export interface DecoderOptions extends Sizes {
  /** Share dropped after the embedding and after each half of a block, while training. */
  readonly dropout: number
  /** Places at the start of the context that a wrapper takes for itself: ids −1, −2, … are read into them before a text. */
  readonly opening?: number
}

const normalised = (vars: Variables, name: string, h: Tensor, call: Call, { norm, epsilon }: Sizes): Tensor =>
  norm === 'rms' ? rmsNorm(vars, name, h, call, epsilon) : layerNorm(vars, name, h, call, epsilon)

/** The second half of a block: two layers with GELU, or SiLU(h G) ⊙ (h U), Shazeer 2020, equation 6, and then `down`. */
function feedForward(vars: Variables, name: string, h: Tensor, call: Call, { activation }: Sizes): Tensor {
  const up = dense(vars, `${name}.up`, h, call)
  if (activation === 'gelu') return dense(vars, `${name}.down`, geluTanh(up), call)
  const gate = dense(vars, `${name}.gate`, h, call)
  return dense(vars, `${name}.down`, gate.mul(tf.sigmoid(gate)).mul(up), call)
}

/** Where the tokens of a call stand, for the rotations and the learnt table. */
interface Places {
  readonly rows: Tensor | undefined
  readonly turns: Rotations | undefined
}

function placesOf(t: number, past: Past | undefined, s: Sizes): Places {
  const d = s.width / s.heads
  if (!past) return { rows: undefined, turns: s.positions === 'rotary' ? rotations(t, d, s.rotaryBase) : undefined }
  const { places, length } = past
  if (s.positions === 'learned') return { rows: places, turns: undefined }
  const all = rotations(length, d, s.rotaryBase)
  const taken = (x: Tensor): Tensor => tf.gather(x, places.reshape<Tensor1D>([-1])).reshape([places.shape[0], 1, t, d])
  return { rows: undefined, turns: { cos: taken(all.cos), sin: taken(all.sin) } }
}

/** What the table of places adds, [t, d] or [n, t, d]. */
function placed(vars: Variables, t: number, rows: Tensor | undefined, { width }: Sizes): Tensor {
  const table = variable(vars, 'places.table')
  return rows ? tf.gather(table, rows.reshape<Tensor1D>([-1])).reshape([...rows.shape, width]) : table.slice([0, 0], [t, width])
}

/**
 * A decoder: ids int32 [n, t] → what its head reads, [n, t, d]. GPT-2 (Radford et al. 2019) and LLaMA (Touvron et al. 2023) by its options:
 * blocks of causal attention and a feed-forward network, normalised before each, and once more at the end. With a past (see {@link pastOf})
 * the tokens follow those that it holds. Points: those of the layers, `block<i>.out` [n, t, d], and `<block>.attn.weights`.
 */
export function decoded(vars: Variables, ids: Tensor, call: Call, s: DecoderOptions, past?: Past): Tensor {
  const t = ids.shape[1]!
  checkLength(past ? past.length : t, s)
  const drop = (name: string, h: Tensor): Tensor => dropout(name, h, s.dropout, call)
  const { rows, turns } = placesOf(t, past, s)
  const tokens = embedding(vars, 'tokens', ids, call)
  let h = drop('embedding', s.positions === 'learned' ? tokens.add(placed(vars, t, rows, s)) : tokens)
  for (let i = 0; i < s.layers; i++) {
    const name = `block${i}`
    const mixed = attend(vars, `${name}.attn`, normalised(vars, `${name}.norm1`, h, call, s), call, s, turns, past)
    h = h.add(drop(`${name}.attn`, mixed))
    h = h.add(drop(`${name}.down`, feedForward(vars, name, normalised(vars, `${name}.norm2`, h, call, s), call, s)))
    h = call.at(`${name}.out`, h)
  }
  return normalised(vars, 'norm', h, call, s)
}

/** Logits of the next token: h [..., d] times the head, or the token table where it is tied, [..., V]. Points `head.in` and `head.out`. */
export function headed(vars: Variables, h: Tensor, call: Call, { tied, width, vocabulary }: Sizes): Tensor {
  if (!tied) return dense(vars, 'head', h, call)
  const x = call.at('head.in', h)
  const logits = tf.matMul(x.reshape([-1, width]), variable(vars, 'tokens.table'), false, true)
  return call.at('head.out', logits.reshape([...x.shape.slice(0, -1), vocabulary]))
}
