import { expect, Mismatch, one, same, type Row, type Table } from './row.js'
import type { Slot } from '../graph.js'
import { poolingWindow, windowAttrs, type Window } from './window.js'

const attrsOf = (w: Window): Readonly<Record<string, unknown>> => ({ ...windowAttrs(w), filterSize: [...w.kernel] })

const pool: Row = {
  inputs: ['x'],
  infer: ([x], attrs) => {
    expect(x!, 'float32')
    const w = poolingWindow(x!.shape, attrs)
    return one([w.batch, w.outHeight, w.outWidth, w.channels], 'float32', attrsOf(w))
  },
}

const gradient = (inputs: readonly string[]): Row => ({
  inputs,
  infer: (slots: readonly Slot[], attrs) => {
    for (const s of slots) expect(s, 'float32')
    const [dy, x] = slots
    const w = poolingWindow(x!.shape, attrs)
    const out = [w.batch, w.outHeight, w.outWidth, w.channels]
    if (slots.some((s, i) => i !== 1 && !same(s.shape, out)))
      throw new Mismatch(`the gradient [${dy!.shape}] is not of the result's shape [${out}]`)
    return one(x!.shape, 'float32', attrsOf(w))
  },
})

/** Pooling of images [n, h, w, c] and its gradients. */
export const poolings: Table = {
  MaxPool: pool,
  AvgPool: pool,
  MaxPoolGrad: gradient(['dy', 'input', 'output']),
  AvgPoolGrad: gradient(['dy', 'input']),
}
