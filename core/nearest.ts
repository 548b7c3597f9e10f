/** The number of letters to insert, delete or replace to turn one word into the other (Levenshtein). */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}

/** The names that a mistyped one may mean, three at most, nearest first. */
export const nearest = (name: string, names: Iterable<string>): string[] =>
  [...names]
    .map((n) => ({ n, distance: editDistance(name.toLowerCase(), n.toLowerCase()) }))
    .filter(({ distance }) => distance <= Math.max(2, Math.floor(name.length / 3)))
    .sort((a, b) => a.distance - b.distance || (a.n < b.n ? -1 : 1))
    .slice(0, 3)
    .map(({ n }) => n)

/** A remedy for a name that is not among `names`. */
export function meant(name: string, names: readonly string[], otherwise: string): string {
  const near = nearest(name, names)
  if (near.length > 0) return `did you mean ${near.map((n) => `'${n}'`).join(' or ')}?`
  return names.length > 0 ? `choose one of ${names.join(', ')}` : otherwise
}
