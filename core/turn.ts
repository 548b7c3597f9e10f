/** Cosine and sine of the last turn: written here, so that none allocates. */
export const turned = new Float64Array(2)

const radians = 2 * Math.PI * 2 ** -32
// By eighth of the turn: whether cosine and sine change places, and their signs.
const swapped = Float64Array.of(0, 1, 1, 0, 0, 1, 1, 0)
const cosSign = Float64Array.of(1, 1, -1, -1, -1, -1, 1, 1)
const sinSign = Float64Array.of(1, 1, 1, 1, -1, -1, -1, -1)

/**
 * cos and sin of 2π w / 2³² for a word w, to about 1e-16, without a branch: Taylor series in the distance to the nearest eighth of a turn, which the
 * word gives exactly. Random angles cost `Math.cos` and `Math.sin` twice that.
 */
export function turn(w: number): void {
  const octant = w >>> 29
  const odd = octant & 1
  const t = (((w & 0x1fffffff) ^ -odd) + odd + odd * 2 ** 29) * radians
  const q = t * t
  const sin =
    t *
    (1 + q * (-1 / 6 + q * (1 / 120 + q * (-1 / 5040 + q * (1 / 362880 + q * (-1 / 39916800 + q * (1 / 6227020800 - q / 1307674368000)))))))
  const cos =
    1 + q * (-1 / 2 + q * (1 / 24 + q * (-1 / 720 + q * (1 / 40320 + q * (-1 / 3628800 + q * (1 / 479001600 - q / 87178291200))))))
  const m = swapped[octant]!
  turned[0] = cosSign[octant]! * (cos + m * (sin - cos))
  turned[1] = sinSign[octant]! * (sin + m * (cos - sin))
}
