/**
 * Factor of the learning rate in an epoch of one run that trains and then collects, as in Maddox et al.'s program: 1 until half of the epochs before
 * `start`, then falling on a line to `ratio` at nine tenths of them, and `ratio` from there on.
 */
export function averagingFactor(epoch: number, start: number, ratio: number): number {
  const t = epoch / start
  if (t <= 0.5) return 1
  return t <= 0.9 ? 1 - ((1 - ratio) * (t - 0.5)) / 0.4 : ratio
}
