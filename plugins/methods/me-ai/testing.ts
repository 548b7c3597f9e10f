/** Columns of the paper's table of square-net compounds, in its order. */
export const squareNetFeatures = [
  'chi_min',
  'chi_sq',
  'NE_max',
  'NE_min',
  'NE_sq',
  'NE_tot',
  'd_sq',
  'd_nn',
  'fcc',
  'EA_max',
  'EA_min',
  'EA_sq',
] as const

/** A small linear congruential generator, so that a task is the same everywhere: s ← 16807 s mod 2³¹ − 1, numbers in (0, 1). */
export function generator(seed: number): () => number {
  let s = seed
  return () => (s = (16807 * s) % 2147483647) / 2147483647
}

/** A standard normal number from two uniform ones, Box and Muller 1958. */
export const normal = (uniform: () => number): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())

interface Element {
  readonly symbol: string
  readonly chi: number
  readonly electrons: number
  readonly fcc: number
  readonly affinity: number
}

/**
 * A table of the shape of the paper's, made up: what is of an element repeats over its compounds, distances spread about sizes, and a
 * compound is of class 1 where d_sq / d_nn is below 0.95, judged with a little noise. CSV text with a name, the square-net element and
 * the label beside the twelve features.
 */
export function squareNet(rows = 879, seed = 1): string {
  const uniform = generator(seed)
  const between = (low: number, high: number): number => low + (high - low) * uniform()
  const elements = ['Si', 'Ge', 'Sn', 'Pb', 'P', 'As', 'Sb', 'Bi', 'S', 'Se', 'Te', 'Ga'].map((symbol): Element => ({
    symbol,
    chi: between(1.6, 2.6),
    electrons: Math.floor(between(3, 7)),
    fcc: between(3.8, 5.4),
    affinity: between(-0.1, 2.1),
  }))
  const lines = [`compound,element,${squareNetFeatures.join(',')},label`]
  for (let i = 0; i < rows; i++) {
    const net = elements[Math.floor(uniform() * elements.length)]!
    const [chi, most, least, other] = [between(0.9, 1.7), Math.floor(between(6, 12)), Math.floor(between(1, 4)), between(-0.3, 1.2)]
    const [side, next] = [between(2.6, 3.5), between(2.5, 3.9)]
    const features = [
      Math.min(chi, net.chi),
      net.chi,
      Math.max(most, net.electrons),
      Math.min(least, net.electrons),
      net.electrons,
      most + least + 2 * net.electrons,
      side,
      next,
      net.fcc,
      Math.max(other, net.affinity),
      Math.min(other, net.affinity),
      net.affinity,
    ]
    const label = side / next + 0.02 * normal(uniform) < 0.95 ? 1 : 0
    lines.push([`${net.symbol}-${i}`, net.symbol, ...features.map((v) => v.toFixed(4)), label].join(','))
  }
  return `${lines.join('\n')}\n`
}
