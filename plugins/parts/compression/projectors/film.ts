import type { Values } from 'ockham'
import { InputError } from 'ockham'
import { tf } from 'ockham/tensor'
import { prefix, under } from '../../training/index.js'
import { gaussian, timesVector, timesVectorTraced } from './dense.js'
import { checkStored, integers, type Projector } from './projector.js'

export interface FilmOptions {
  /** Parts of names of the parameters that are moved. */
  readonly names: readonly string[]
  /** A projector onto all parameters, driven by the same coordinates. */
  readonly with?: Projector | undefined
}

/** Places of the parameters whose names hold one of `names`. */
function placesOf(params: Values, names: readonly string[]): Int32Array {
  const places: number[] = []
  let at = 0
  for (const [name, { data }] of Object.entries(params)) {
    if (names.some((part) => name.includes(part))) for (let i = 0; i < data.length; i++) places.push(at + i)
    at += data.length
  }
  if (places.length > 0) return Int32Array.from(places)
  throw new InputError({
    code: 'OCK-MODEL-012',
    what: `no parameter's name holds ${names.join(', ')}`,
    where: 'model.projector.names',
    remedy: `they are ${Object.keys(params).join(', ')}`,
  })
}

/**
 * A dense projection onto a few parameters that steer the rest, norms, biases and the head, as feature-wise linear modulation does (Lotfi et
 * al. 2022). With another projector beside it the two are added, each divided by √2.
 */
export const film = ({ names, with: other }: FilmOptions): Projector => ({
  init(key, params, dim) {
    const places = placesOf(params, names)
    checkStored(places.length * dim, 'film')
    const rows = Object.values(params).reduce((n, { data }) => n + data.length, 0)
    // Where each parameter finds its entry; those that are not moved find the zero after the last.
    const from = new Int32Array(rows).fill(places.length)
    places.forEach((place, i) => (from[place] = i))
    return {
      matrix: gaussian(key.fold('film'), places.length, dim),
      from: integers(from),
      ...(other && prefix('with.', other.init(key.fold('with'), params, dim))),
    }
  },
  up(parts, w) {
    const moved = tf.gather(tf.concat([timesVectorTraced(parts['matrix']!, w), tf.zeros([1])]), parts['from'] as never)
    return other ? moved.add(other.up(under('with.', parts), w)).mul(Math.SQRT1_2) : moved
  },
  apply(parts, w) {
    const moved = timesVector(parts['matrix']!, w)
    const all = other?.apply(under('with.', parts), w)
    return Float64Array.from(parts['from']!.data as Int32Array, (from, i) => {
      const own = moved[from] ?? 0
      return all ? (own + all[i]!) * Math.SQRT1_2 : own
    })
  },
})
