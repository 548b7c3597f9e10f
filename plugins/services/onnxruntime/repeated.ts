import type { TensorProto } from './proto.js'

/** A constant that is a block over and over again, as often as there are rows: all of it in turn, or each of its rows in turn. */
export interface Repeated {
  readonly order: 'block' | 'row'
  /** [r, …] of the constant's [r · rows, …]. */
  readonly block: TensorProto
}

/** Bytes of each step along the first axis. */
const steps = ({ dims, rawData }: TensorProto): Uint8Array[] => {
  const length = rawData!.length / dims[0]!
  return Array.from({ length: dims[0]! }, (_, i) => rawData!.subarray(i * length, (i + 1) * length))
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** What three constants at three numbers of rows repeat; undefined where they do not. */
export function repeated(rows: readonly number[], tensors: readonly TensorProto[]): Repeated | undefined {
  const [first] = tensors as [TensorProto]
  const r = (first.dims[0] ?? 0) / rows[0]!
  const rest = first.dims.slice(1)
  const scaled = tensors.every(({ dims }, k) => dims[0] === r * rows[k]! && String(dims.slice(1)) === String(rest))
  if (!Number.isInteger(r) || r === 0 || !scaled || first.rawData!.length === 0) return undefined
  const all = tensors.map(steps)
  const orders = {
    block: (i: number) => i % r,
    row: (i: number, n: number) => Math.floor(i / n),
  } as const
  for (const [order, place] of Object.entries(orders) as ['block' | 'row', (i: number, n: number) => number][]) {
    const source = Array.from({ length: r }, (_, j) => all[0]![order === 'block' ? j : j * rows[0]!]!)
    if (!all.every((list, k) => list.every((step, i) => same(step, source[place(i, rows[k]!)]!)))) continue
    return { order, block: { name: `${first.name!}_block`, dims: [r, ...rest], dataType: first.dataType, rawData: Buffer.concat(source) } }
  }
  return undefined
}
