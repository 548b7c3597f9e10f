import type { HostKey, TypedArray, Value } from 'ockham'

/** Rows that must stay together, each as a list: those with the same features, and with `groups` those of the same group. */
export function units(x: Value, groups?: TypedArray): readonly (readonly number[])[] {
  const n = x.shape[0]!
  const width = x.data.length / n
  const parent = Int32Array.from({ length: n }, (_, i) => i)
  const root = (i: number): number => {
    let at = i
    while (parent[at] !== at) at = parent[at] = parent[parent[at]!]!
    return at
  }
  const seen = new Map<string, number>()
  const join = (name: string, i: number): void => {
    const first = seen.get(name)
    if (first === undefined) seen.set(name, i)
    else parent[root(i)] = root(first)
  }
  for (let i = 0; i < n; i++) {
    join(`x ${x.data.slice(i * width, (i + 1) * width).join(' ')}`, i)
    if (groups) join(`group ${groups[i]}`, i)
  }
  const found = new Map<number, number[]>()
  for (let i = 0; i < n; i++) found.set(root(i), [...(found.get(root(i)) ?? []), i])
  return [...found.values()]
}

/**
 * The fold of every row, int32 [n]: units of each class are shuffled and dealt one after the other to the fold that has fewest rows of
 * that class, so that classes have the same shares everywhere and no row is dropped. A unit's class is that of its first row.
 */
export function stratified(together: readonly (readonly number[])[], labels: TypedArray, folds: number, key: HostKey): Int32Array {
  const out = new Int32Array(labels.length)
  const sizes = new Float64Array(folds)
  for (const c of [...new Set(labels)].sort((a, b) => a - b)) {
    const own = together.filter((unit) => labels[unit[0]!] === c)
    const counts = new Float64Array(folds)
    for (const at of key.fold(`class ${c}`).permutation(own.length).data) {
      let fold = 0
      for (let f = 1; f < folds; f++) if (counts[f]! < counts[fold]! || (counts[f] === counts[fold] && sizes[f]! < sizes[fold]!)) fold = f
      for (const row of own[at]!) out[row] = fold
      counts[fold]! += own[at]!.length
      sizes[fold]! += own[at]!.length
    }
  }
  return out
}
