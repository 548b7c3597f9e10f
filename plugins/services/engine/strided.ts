import type { Attrs } from './signatures/row.js'
import { kit } from './kit.js'

const masks = ['beginMask', 'endMask', 'ellipsisMask', 'newAxisMask', 'shrinkAxisMask'] as const

/** A strided slice said in full: a begin, an end and a stride for each axis, no masks, and the shape that comes out in the end. */
export interface Strided {
  readonly attrs: Attrs
  readonly shape: readonly number[]
}

/**
 * What a strided slice of a tensor of this shape takes. tfjs' own kernel loses the order of axes where some are dropped (`shrinkAxisMask`) and
 * others have a stride.
 */
export function strided(shape: readonly number[], given: Attrs): Strided {
  const { begin, end, strides } = given as Readonly<Record<'begin' | 'end' | 'strides', number[]>>
  const [b, e, i, n, s] = masks.map((mask) => (given[mask] as number | undefined) ?? 0) as [number, number, number, number, number]
  const info = kit.tf.slice_util.sliceInfo([...shape], begin, end, strides, b, e, i, n, s)
  const axes = shape.map((size, axis) => {
    const [from, to, by] = [info.begin[axis]!, info.end[axis]!, info.strides[axis]!]
    if ((to - from) / by <= 0) return [0, 0, 1] as const
    // An end before the first element: −1 would be the last.
    return [from, to < 0 ? -size - 1 : to, by] as const
  })
  const attrs = {
    begin: axes.map(([from]) => from),
    end: axes.map(([, to]) => to),
    strides: axes.map(([, , by]) => by),
    ...Object.fromEntries(masks.map((mask) => [mask, 0])),
  }
  return { attrs, shape: info.finalShape }
}

/** Whether a strided slice has masks. */
export const isMasked = (attrs: Attrs): boolean => masks.some((mask) => attrs[mask])
