import type { Model, Tensors, Value, Values, Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { floats, prefix, under, zeros } from '../training/index.js'
import type { Projector } from './projectors/projector.js'

/** A model around another, which can say where it stands in the other's own variables. */
export interface Wrapper extends Model {
  readonly of: Model
  /** The inner model's variables at these of the wrapper, computed on the host in float64 and rounded once. */
  unwrap(vars: Variables<Value>): Variables<Value>
  /** The wrapper's variables at its start, with the inner model's own start replaced by these. */
  at(start: Variables<Value>, inner: Variables<Value>): Variables<Value>
}

export const isWrapper = (model: object): model is Wrapper => 'unwrap' in model && typeof model.unwrap === 'function'

export interface SubspaceOptions {
  readonly of: Model
  readonly dim: number
  readonly projector: Projector
  readonly state: 'learn' | 'freeze'
}

/** By name: files and engines need not keep the order in which variables were made. */
export const byName = <T>(tree: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(tree).sort(([a], [b]) => (a < b ? -1 : 1)))

/** A vector cut into tensors of the shapes of `like`, in its order: one split, whose gradient is one concatenation. */
export function cut(vector: Tensor, like: Tensors): Record<string, Tensor> {
  const all = Object.entries(like)
  const parts = tf.split(
    vector,
    all.map(([, { size }]) => size),
  )
  return Object.fromEntries(all.map(([name, { shape }], i) => [name, parts[i]!.reshape(shape)]))
}

/** w = 0 around these variables of the inner model. */
function around({ params, frozen, state }: Variables<Value>, p: Values, dim: number, kept: SubspaceOptions['state']): Variables<Value> {
  const freeze = kept === 'freeze'
  return {
    params: { w: zeros([dim]) },
    frozen: {
      ...prefix('at0.', params),
      ...prefix('base.', frozen),
      ...prefix('P.', p),
      ...(freeze && prefix('state0.', state)),
    },
    state: freeze ? {} : state,
  }
}

/**
 * θ = θ₀ + P w around any model: only w [dim], zero at the start, is learnt; θ₀, the model's own start, and the random projection P are fixed by the
 * key (Li et al. 2018; Lotfi et al. 2022). With `state: freeze` the model always runs as it predicts: running statistics stay as they start and
 * nothing is dropped, so that w alone describes it.
 */
export const subspace = ({ of, dim, projector, state: kept }: SubspaceOptions): Wrapper => ({
  of,
  async init(key, meta) {
    const inner = await of.init(key.fold('base'), meta)
    return around(inner, projector.init(key.fold('projector'), byName(inner.params), dim), dim, kept)
  },
  at: ({ frozen }, inner) => around(inner, under('P.', frozen), dim, kept),
  apply({ params, frozen, state }, x, call) {
    const at0 = byName(under('at0.', frozen))
    const moved = cut(projector.up(under('P.', frozen), params['w']!), at0)
    const there = Object.fromEntries(Object.entries(at0).map(([name, p]) => [name, p.add(moved[name]!)]))
    const fixed = under('base.', frozen)
    if (kept === 'learn') return of.apply({ params: there, frozen: fixed, state }, x, call)
    const still = { ...call, train: false, at: call.at.bind(call), next: () => undefined }
    return of.apply({ params: there, frozen: fixed, state: under('state0.', frozen) }, x, still)
  },
  unwrap({ params, frozen, state }) {
    const moved = projector.apply(under('P.', frozen), params['w']!.data)
    let at = 0
    const there: Record<string, Value> = {}
    for (const [name, p] of Object.entries(byName(under('at0.', frozen)))) {
      const data = floats(p.data, (start, i) => start + moved[at + i]!)
      there[name] = { shape: p.shape, dtype: 'float32', data }
      at += data.length
    }
    const values: Values = kept === 'freeze' ? under('state0.', frozen) : state
    return { params: there, frozen: under('base.', frozen), state: values }
  },
})
