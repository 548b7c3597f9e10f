/** A number for rows and one for columns. */
export type Pair = [number, number]

/** Two numbers by axis; those of a sequence, an image of one row, get a first axis of `otherwise`. */
export const pair = (given: readonly number[] | undefined, otherwise: number): Pair => {
  if (!given) return [otherwise, otherwise]
  return given.length === 1 ? [otherwise, given[0]!] : [given[0]!, given[1]!]
}
