import type { Store } from './store.js'

/** Marks places of `y` that no token follows. */
export const padding = -1

/** Where a row's tokens are: it reads `from` … `to − 1` and is to predict `from + 1` … `to`. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Rows of `context` tokens one after another over tokens `from` to `to`: every token but the first is predicted once. */
export function packed(from: number, to: number, context: number): Span[] {
  const spans: Span[] = []
  for (let at = from; at < to - 1; at += context) spans.push({ from: at, to: Math.min(at + context, to - 1) })
  return spans
}

/** Tokens and those that follow, [n, context] each, short rows padded. */
export function tables(store: Store, spans: readonly Span[], context: number): { x: Int32Array; y: Int32Array; tokens: number[] } {
  const x = new Int32Array(spans.length * context)
  const y = new Int32Array(spans.length * context).fill(padding)
  const tokens = spans.map(({ from, to }, row) => {
    const ids = store.read(from, to + 1)
    x.set(ids.subarray(0, to - from), row * context)
    y.set(ids.subarray(1), row * context)
    return to - from
  })
  return { x, y, tokens }
}
