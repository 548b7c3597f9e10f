import type { Call, Value, Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { dense } from '../networks/index.js'
import { rotated, type Rotations } from './rotary.js'
import type { Sizes } from './sizes.js'

/** What was read before, in a call that goes on: keys and values of every block, up to `length` places. */
export interface Past {
  /** Place of each token of the call, int32 [n, t]. */
  readonly places: Tensor
  /** Places that there is room for. */
  readonly length: number
}

/**
 * State of a decoder that goes on: `place` int32 [n], the tokens read so far by each row, and `<block>.attn.keys`, `.values`
 * [n, key-value heads, length, d]. Rows may be at places of their own.
 */
export function emptyPast(rows: number, length: number, s: Sizes): Record<string, Value> {
  const shape = [rows, s.keyValueHeads, length, s.width / s.heads]
  const size = shape.reduce((a, b) => a * b, 1)
  const state: Record<string, Value> = { place: { shape: [rows], dtype: 'int32', data: new Int32Array(rows) } }
  for (let i = 0; i < s.layers; i++)
    for (const part of ['keys', 'values']) state[`block${i}.attn.${part}`] = { shape, dtype: 'float32', data: new Float32Array(size) }
  return state
}

/** The past that variables hold, if they hold one, for a call of t tokens. */
export function pastOf(vars: Variables, t: number): Past | undefined {
  const place = vars.state['place']
  if (!place) return undefined
  const length = vars.state['block0.attn.keys']!.shape[2]!
  return { places: place.reshape([-1, 1]).add(tf.range(0, t, 1, 'int32').reshape([1, t])), length }
}

/** 0 where a token may look, −10⁹ where it may not, [1, 1, t, t]: at itself and what came before. */
function future(t: number): Tensor {
  const place = tf.range(0, t, 1, 'float32')
  return tf.cast(tf.greater(place.reshape([1, 1, 1, t]), place.reshape([1, 1, t, 1])), 'float32').mul(-1e9)
}

/** The same with a past: places of the room after a token's own are hidden, [n, 1, t, length]. */
function unseen({ places, length }: Past): Tensor {
  const [n, t] = places.shape as [number, number]
  const room = tf.range(0, length, 1, 'int32').reshape([1, 1, 1, length])
  return tf.cast(tf.greater(room, places.reshape([n, 1, t, 1])), 'float32').mul(-1e9)
}

/** [n, t, heads · d] → [n, heads, t, d]. */
function parted(x: Tensor, heads: number): Tensor {
  const [n, t, d] = x.shape as [number, number, number]
  return x.reshape([n, t, heads, d / heads]).transpose([0, 2, 1, 3])
}

/** Puts what the call's tokens bring, [n, heads, t, d], at their places in the room, [n, heads, length, d]. */
function written(room: Tensor, news: Tensor, { places, length }: Past): Tensor {
  const [n, heads, t, d] = news.shape as [number, number, number, number]
  const slots = tf.range(0, length, 1, 'int32').reshape([1, length, 1])
  const at = tf.equal(slots, places.reshape([n, 1, t]))
  if (t === 1) return tf.where(at.reshape([n, 1, length, 1]), news, room)
  const here = tf.cast(at, 'float32')
  const put = tf.matMul(here, news.transpose([0, 2, 1, 3]).reshape([n, t, heads * d]))
  const free = tf.sub(1, here.sum(2)).reshape([n, 1, length, 1])
  return room.mul(free).add(put.reshape([n, length, heads, d]).transpose([0, 2, 1, 3]))
}

/** Learnt keys or values [heads, p, d] before those of a call [n, heads, t, d], in every row alike. */
function prefixed(vars: Variables, name: string, own: Tensor): Tensor {
  const learnt = vars.params[name] ?? vars.frozen[name]
  return learnt ? tf.concat([tf.tile(tf.expandDims(learnt, 0), [own.shape[0], 1, 1, 1]), own], 2) : own
}

/** A mask [rows, 1, t, places] with as many places before it that all may see. */
const open = (mask: Tensor, places: number): Tensor =>
  places === 0 ? mask : tf.concat([tf.zeros([mask.shape[0], 1, mask.shape[2]!, places]), mask], 3)

/**
 * Causal attention with heads that share keys and values in groups, Ainslie et al. 2023: softmax(q kᵀ/√d) v, q and k rotated where there are
 * turns. h [n, t, d] → [n, t, d]. Layers `<name>.q`, `.k`, `.v`, `.o`; `<name>.weights` [n, heads, t, places] is a point. All tokens see
 * `<name>.prefix.keys` and `.values` [key-value heads, p, d] too, where variables have them.
 */
export function attend(
  vars: Variables,
  name: string,
  h: Tensor,
  call: Call,
  { heads, keyValueHeads, width }: Sizes,
  turns: Rotations | undefined,
  past: Past | undefined,
): Tensor {
  const [n, t] = h.shape as [number, number]
  const d = width / heads
  const group = heads / keyValueHeads
  const turned = (x: Tensor): Tensor => (turns ? rotated(x, turns) : x)
  const q = turned(parted(dense(vars, `${name}.q`, h, call), heads))
  let k = turned(parted(dense(vars, `${name}.k`, h, call), keyValueHeads))
  let v = parted(dense(vars, `${name}.v`, h, call), keyValueHeads)
  if (past) {
    k = written(vars.state[`${name}.keys`]!, k, past)
    v = written(vars.state[`${name}.values`]!, v, past)
    call.next(`${name}.keys`, k)
    call.next(`${name}.values`, v)
  }
  k = prefixed(vars, `${name}.prefix.keys`, k)
  v = prefixed(vars, `${name}.prefix.values`, v)
  const seen = k.shape[2]!
  const mask = past ? unseen(past) : future(t)
  // Queries of a group lie one after another in the rows of one product with the keys that they share.
  const scores = tf.matMul(q.reshape([n, keyValueHeads, group * t, d]), k, false, true).mul(1 / Math.sqrt(d))
  const masked = scores.reshape([n, heads, t, seen]).add(open(mask, seen - mask.shape[3]!))
  const weights = call.at(`${name}.weights`, tf.softmax(masked))
  const mixed = tf.matMul(weights.reshape([n, keyValueHeads, group * t, seen]), v).reshape([n, heads, t, d])
  return dense(vars, `${name}.o`, mixed.transpose([0, 2, 1, 3]).reshape([n, t, width]), call)
}
