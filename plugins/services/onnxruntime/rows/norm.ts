import type { Call, Row, Rows } from './row.js'

/**
 * The runtime's layer normalisation of x over its last axis: y, mean, 1/√(var + ε). Rows that ask for the same one share a node.
 * Only made by rewriting.
 */
const layerNorm = (c: Call, scale: string, shift: string | undefined): readonly string[] =>
  c.many('LayerNormalization', shift === undefined ? [c.x[0]!, scale] : [c.x[0]!, scale, shift], 3, {
    axis: -1,
    epsilon: { f: c.attr<number>('epsilon') },
  })

const ones = (c: Call): string => c.fill(1, c.of(0).shape.slice(-1), c.float)

const rootMeanSquare: Row = (c) =>
  c.emit('SimplifiedLayerNormalization', [c.x[0]!, ones(c)], { axis: -1, epsilon: { f: c.attr<number>('epsilon') } })

export const norm: Rows = {
  'ort.Normalise': (c) => layerNorm(c, ones(c), undefined)[0]!,
  'ort.InverseDeviation': (c) => layerNorm(c, ones(c), undefined)[2]!,
  'ort.LayerNorm': (c) => layerNorm(c, c.x[1]!, c.x[2])[0]!,
  'ort.RootMeanSquare': rootMeanSquare,
}
