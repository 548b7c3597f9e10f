import { createHash } from 'node:crypto'
import type { Value } from 'ockham'
import type { GraphNode } from '../node.js'

/** Sums and the like give the same bits either way round. */
const commutes = new Set(['Add', 'Multiply', 'SquaredDifference', 'Equal', 'NotEqual', 'LogicalAnd', 'LogicalOr', 'LogicalXor'])

/** JSON has no −0 and no infinities. */
const exact = (_: string, x: unknown): unknown =>
  typeof x === 'number' && (!Number.isFinite(x) || Object.is(x, -0)) ? `#${1 / x < 0 ? '-' : ''}${x}` : x

const attributes = (attrs: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(
    Object.entries(attrs).sort(([a], [b]) => (a < b ? -1 : 1)),
    exact,
  )

const content = ({ data, dtype, shape }: Value): string =>
  `${dtype}[${shape}]${createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('base64')}`

/**
 * What two nodes share when one may stand for the other: operation, precision, attributes and inputs, or the bytes of a
 * constant. Undefined for inputs and host calls, which are never merged.
 */
export function identity(node: GraphNode): string | undefined {
  if (node.op === 'Input' || node.op === 'Host') return undefined
  if (node.op === 'Constant') return `Constant|${node.precision}|${content(node.value!)}`
  const inputs = node.inputs.map((r) => `${r.node.id}:${r.index}`)
  if (commutes.has(node.op)) inputs.sort()
  return `${node.op}|${node.precision}|${attributes(node.attrs)}|${inputs.join()}`
}
