/** A point of a curve. */
export type Point = readonly [x: number, y: number]

/**
 * At most `most` points of a curve: means of equally many neighbours each, so that noise is averaged, not picked. Points that are not
 * finite are left out.
 */
export function thinned(points: readonly Point[], most = 400): Point[] {
  const finite = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y))
  const size = Math.ceil(finite.length / most)
  if (size <= 1) return finite
  return Array.from({ length: Math.ceil(finite.length / size) }, (_, i) => {
    const some = finite.slice(i * size, (i + 1) * size)
    const mean = (at: 0 | 1) => some.reduce((sum, p) => sum + p[at], 0) / some.length
    return [mean(0), mean(1)]
  })
}
