import type { Value } from 'ockham'

/** An array with its axes in another order, reversed unless `perm` says which. */
export function transposed(value: Value, perm: readonly number[] = value.shape.map((_, i) => i).reverse()): Value {
  const shape = perm.map((axis) => value.shape[axis]!)
  const strides = value.shape.map((_, i) => value.shape.slice(i + 1).reduce((a, b) => a * b, 1))
  const steps = perm.map((axis) => strides[axis]!)
  const data = value.data.slice()
  const place = shape.map(() => 0)
  let from = 0
  for (let to = 0; to < data.length; to++) {
    data[to] = value.data[from]!
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place[axis]!++
      from += steps[axis]!
      if (place[axis]! < shape[axis]!) break
      from -= steps[axis]! * shape[axis]!
      place[axis] = 0
    }
  }
  return { shape, dtype: value.dtype, data }
}
